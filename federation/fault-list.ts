// Collects the faults of a document, with the rules that many of its fields share.
import type { ConfigFault } from "./config-error.ts";

const REGION_NAME = /^[a-z0-9._-]{1,64}$/;
const IDENTITY = /^[0-9a-f]{32}$/;
const HASH = /^[0-9a-f]{64}$/;
/** A name, an IPv4 address or an IPv6 address in brackets; then a port. */
const ENDPOINT = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.%]{2,64}\]):(\d{1,5})$/;
const PORT_MAX = 65535;

export class FaultList {
  private readonly found: ConfigFault[] = [];

  get all(): readonly ConfigFault[] {
    return this.found;
  }

  require(holds: boolean, path: string, rule: string): void {
    if (!holds) this.found.push({ path, rule });
  }

  identity(path: string, value: string): void {
    this.require(IDENTITY.test(value), path, "must be 32 lowercase hexadecimal digits");
  }

  hash(path: string, value: string): void {
    this.require(HASH.test(value), path, "must be 64 lowercase hexadecimal digits");
  }

  regionName(path: string, value: string): void {
    this.require(
      REGION_NAME.test(value),
      path,
      `is ${JSON.stringify(value)}; a name is 1 to 64 of a-z, 0-9, "-", "_" and "."`,
    );
  }

  endpoint(path: string, value: string): void {
    const port = Number(ENDPOINT.exec(value)?.[1] ?? 0);
    this.require(
      port >= 1 && port <= PORT_MAX,
      path,
      `is ${JSON.stringify(value)}, which is not host:port`,
    );
  }

  oneOf(path: string, value: string, allowed: readonly string[]): void {
    this.require(
      allowed.includes(value),
      path,
      `is ${JSON.stringify(value)}, which is none of ${allowed.join(", ")}`,
    );
  }

  /** Strictly: each value once. Names, or numbers. */
  ascending(path: string, values: readonly (string | number)[]): void {
    const sorted = values.every((value, at) => {
      const before = values[at - 1];
      return before === undefined || before < value;
    });
    this.require(sorted, path, "must be in ascending order, each entry once");
  }

  unique(path: string, field: string, values: readonly (string | number)[]): void {
    this.require(new Set(values).size === values.length, path, `must not share an ${field}`);
  }
}
