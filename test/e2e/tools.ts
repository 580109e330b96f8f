// The programs of other people that end-to-end tests compare with, and what to do where they are missing.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "@jest/globals";

/** Debian's names: packages etcd-server, etcd-client, nghttp2-client and curl. */
export type Tool = "etcd" | "etcdctl" | "h2load" | "nghttp" | "curl" | "bash" | "zsh" | "fish";

export function isInstalled(tool: Tool): boolean {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => existsSync(join(folder, tool)));
}

/**
 * `describe` where every tool is installed. Elsewhere the block is skipped and says so, unless
 * HANSA_TOOLS_REQUIRED is set, as continuous integration does: then it fails.
 *
 * @throws {Error} when a tool is missing and HANSA_TOOLS_REQUIRED is set.
 */
export function describeWith(tools: readonly Tool[], name: string, body: () => void): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const packages = "etcd-server etcd-client nghttp2-client curl";
  const reason = `needs ${missing.join(", ")}: apt-get install ${packages}`;
  if (process.env["HANSA_TOOLS_REQUIRED"] !== undefined) throw new Error(`"${name}" ${reason}`);
  process.stdout.write(`skipped: "${name}" ${reason}\n`);
  describe.skip(`${name} (${reason})`, body);
}
