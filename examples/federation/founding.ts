// Founds the federation of the demonstration: a directory with a voter in each region, regions of three members, each
// admitted in turn, and one federated prefix that all of them take writes to.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Client, KvError } from "../../client/index.ts";
import { endpointsOf, planGroup, regionEndpointsOf } from "./regions.ts";
import type { Group, Processes } from "./regions.ts";

const READY_MS_MAX = 120_000;
/** Of a call: twelve processes may share few cores with others. */
const CALL_MS_MAX = 30_000;
const POLL_MS = 50;

export interface Region {
  readonly name: string;
  readonly group: Group;
  readonly client: Client;
}

/**
 * Asks until it is so; a refusal of the store is asked again, but not by a client that is closed.
 *
 * @throws {Error} naming what did not come to be, with the last refusal as its cause.
 */
export async function until(
  what: string,
  msMax: number,
  ask: () => Promise<boolean> | boolean,
): Promise<void> {
  const untilMs = performance.now() + msMax;
  for (;;) {
    let cause: KvError | undefined;
    try {
      if (await ask()) return;
    } catch (error) {
      if (!(error instanceof KvError) || error.code === "cancelled") throw error;
      cause = error;
    }
    if (performance.now() > untilMs) {
      throw new Error(`waited ${msMax} ms in vain: ${what}`, { cause });
    }
    await pause(POLL_MS);
  }
}

/** Until the store does it. */
async function untilDone(what: string, call: () => Promise<unknown>): Promise<void> {
  await until(what, READY_MS_MAX, async () => {
    await call();
    return true;
  });
}

/** The directory's processes, and those of each region, of so many members; who calls closes the clients. */
export async function startRegions(
  processes: Processes,
  names: readonly string[],
  members = 3,
): Promise<Region[]> {
  const directory = await planGroup("dir", names);
  await processes.start(directory, []);
  const flags = ["--federation-directory-endpoints", endpointsOf(directory).join(",")];
  const groups: Group[] = [];
  for (const name of names) {
    const group = await planGroup(name, Array<string>(members).fill(name));
    await processes.start(group, ["--region", name, ...flags]);
    groups.push(group);
  }
  return groups.map((group) => {
    const client = new Client({ endpoints: endpointsOf(group), deadlineMs: CALL_MS_MAX });
    return { name: group.token, group, client };
  });
}

async function isAdmitted(client: Client, name: string): Promise<boolean> {
  try {
    const { regions } = await client.federation.status();
    return regions.some((region) => region.name === name);
  } catch (error) {
    // There is no federation yet.
    if (error instanceof KvError && error.code === "federation-refused") return false;
    throw error;
  }
}

/** `prefix` is federated under `lww`; ends once every region has written to it and all show the same. */
export async function foundFederation(regions: readonly Region[], prefix: string): Promise<void> {
  for (const [at, { name, group, client }] of regions.entries()) {
    const endpoints = regionEndpointsOf(group);
    const command = at === 0 ? { init: { endpoints } } : { join: { endpoints } };
    // A command whose answer was lost is not given twice: it would ask for another identity.
    await until(`${name} is admitted`, READY_MS_MAX, async () => {
      if (await isAdmitted(client, name)) return true;
      await client.federation.change(command);
      return true;
    });
  }
  const [first] = regions;
  const bytes = new TextEncoder().encode(prefix);
  await untilDone(`the prefix ${prefix} is federated`, async () =>
    first?.client.federation.change({ policy: { prefix: bytes, policy: "lww" } }),
  );
  for (const { name, client } of regions) {
    await untilDone(`${name} takes writes`, () => client.put(`${prefix}at/${name}`, name));
  }
  await until("all regions show the same", READY_MS_MAX, () => isEqual(regions, prefix));
}

/** Of keys and values, not of revisions: those are each region's own. */
async function stateHash({ client }: Region, prefix: string): Promise<string> {
  const { kvs } = await client.range({ prefix });
  const hash = createHash("sha256");
  for (const kv of kvs) hash.update(`${kv.keyText()}=${kv.text()}\n`);
  return hash.digest("hex").slice(0, 16);
}

export async function isEqual(regions: readonly Region[], prefix: string): Promise<boolean> {
  const [first, ...others] = await Promise.all(regions.map((region) => stateHash(region, prefix)));
  return others.every((other) => other === first);
}

/** The sum of the samples of `/metrics` of the region's first member that a pattern names, whatever their labels. */
export async function sampleOf({ group }: Region, pattern: string): Promise<number> {
  const [endpoint = ""] = endpointsOf(group);
  const text = await (await fetch(`http://${endpoint}/metrics`)).text();
  const samples = text.matchAll(new RegExp(`^${pattern}(?:\\{.*\\})? (\\d+)`, "gm"));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Keys of which the region kept several siblings, settled since or open. */
export async function conflictsOf(region: Region): Promise<number> {
  const open = await sampleOf(region, "hansa_federation_conflicts_open");
  return open + (await sampleOf(region, "hansa_federation_conflicts_settled_total"));
}
