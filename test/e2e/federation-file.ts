// Regions whose members are told of their federation by a file: clusters that are planned, and started with it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeConfig } from "../../federation/index.ts";
import type { FederationConfig } from "../../federation/index.ts";
import { documentOf } from "../federation/document.ts";
import type { Cluster } from "./cluster.ts";

/** Each cluster is the region of its name. @returns the document, once every member serves. */
export async function startWithFile(
  clusters: ReadonlyMap<string, Cluster>,
  rest: Partial<FederationConfig>,
): Promise<FederationConfig> {
  const named = [...clusters].map(([name, { members }]) => {
    return { name, endpoints: members.map(({ peerUrl }) => new URL(peerUrl).host) };
  });
  const config = documentOf(named, rest);
  for (const cluster of clusters.values()) {
    const file = join(cluster.folder, "federation.json");
    writeFileSync(file, encodeConfig(config));
    for (const member of [...cluster.members]) {
      cluster.again(member, ["--federation-config-file", file]).start();
    }
  }
  const all = [...clusters.values()].flatMap(({ members }) => members);
  await Promise.all(all.map((member) => member.ready()));
  return config;
}
