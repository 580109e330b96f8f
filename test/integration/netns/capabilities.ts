// What this machine's kernel and user allow: whether network namespaces can be made and packets dropped by
// source address, and by which discipline, if any, links can be made slow. Found by trying.
import { spawnSync } from "node:child_process";

/** `netem` delays and loses packets; `tbf` narrows a link, which delays and, once its queue is full, loses. */
export type Shaping = "netem" | "tbf";

export const SHAPING_ARGS: Readonly<Record<Shaping, string>> = {
  netem: "netem delay 20ms 10ms loss 1%",
  tbf: "tbf rate 3mbit burst 16kb limit 64kb",
};

interface Capabilities {
  /** Why there can be no namespaces; absent: there can. */
  readonly refusal?: string;
  readonly shaping?: Shaping;
}

export const INSTALL = "apt-get install iproute2";

function probe(): Capabilities {
  const name = `hansa-probe-${process.pid}`;
  try {
    return probeIn(name);
  } finally {
    attempt("ip", `netns del ${name}`);
  }
}

function probeIn(name: string): Capabilities {
  const needed = [
    `netns add ${name}`,
    `-n ${name} link add bridge0 type bridge`,
    `-n ${name} link add link0 type veth peer name link1`,
    `-n ${name} rule add pref 10 from 192.0.2.1 blackhole`,
  ];
  for (const args of needed) {
    const refusal = attempt("ip", args);
    if (refusal !== undefined) return { refusal: `ip ${args}: ${refusal}` };
  }
  const shaping = (["netem", "tbf"] as const).find(
    (kind) =>
      attempt("tc", `-n ${name} qdisc add dev link0 root ${SHAPING_ARGS[kind]}`) === undefined,
  );
  return shaping === undefined ? {} : { shaping };
}

/** Why it failed; undefined when it did not. */
function attempt(command: "ip" | "tc", args: string): string | undefined {
  const { error, status, stderr } = spawnSync(command, args.split(" "), { encoding: "utf8" });
  if (error !== undefined) return `${error.message}; ${INSTALL}`;
  return status === 0 ? undefined : stderr.trim().replaceAll("\n", "; ");
}

const here = probe();

/** Why there can be no namespaces here; undefined: there can. */
export const REFUSAL: string | undefined = here.refusal;

export const SHAPING: Shaping | undefined = here.shaping;
