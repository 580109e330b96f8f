// Why a document or a change of one is not accepted: every fault at once, each naming where and what was expected.

export interface ConfigFault {
  /** Where in the document: "members[1].origin". Empty: the whole. */
  readonly path: string;
  readonly rule: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(`federation configuration: ${faults.map(faultText).join("; ")}`);
    this.faults = faults;
  }
}

function faultText({ path, rule }: ConfigFault): string {
  return path === "" ? rule : `${path} ${rule}`;
}
