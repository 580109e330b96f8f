// A real disk that runs full under load: writes fail cleanly and the member stops for good; the others serve
// on; on a larger disk it comes back with everything that was acknowledged (R18, S3).
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { Cluster, protocolsFor } from "../e2e/cluster.ts";
import type { MemberProcess } from "../e2e/cluster.ts";
import { until } from "../e2e/until.ts";
import { READ_MODES, WireClient, bytes } from "../e2e/wire-client.ts";

const FULL_MS_MAX = 60_000;
const CALL_MS_MAX = 5_000;
const VALUE_BYTES = 64 * 1024;
/** Of which the member's first segment and its state take some. */
const SMALL_DISK = "24m";
const LARGE_DISK = "256m";

const mounted: string[] = [];

function mount(folder: string, size: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
  mounted.push(folder);
}

function unmount(folder: string): void {
  execFileSync("umount", [folder], { stdio: "pipe" });
  mounted.splice(mounted.indexOf(folder), 1);
}

/** Why no disk of a size can be made here; undefined if one can. */
function obstacle(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "hansa-mount-"));
  try {
    mount(folder, "1m");
    unmount(folder);
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? (failure.message.split("\n")[0] ?? "") : String(failure);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Waits until the member's own state has every one of them. */
async function holdsAll(member: MemberProcess, acknowledged: ReadonlySet<string>): Promise<void> {
  const wire = new WireClient(member.endpoint);
  const everything = { key: bytes("\0"), range_end: bytes("\0"), keys_only: true };
  try {
    await until(`${member.name} holds what was acknowledged`, FULL_MS_MAX, async () => {
      const request = { ...everything, read_mode: READ_MODES.local };
      const { kvs } = await wire.range(request, CALL_MS_MAX);
      const held = new Set((kvs ?? []).map(({ key }) => Buffer.from(key ?? []).toString()));
      const missing = [...acknowledged].filter((key) => !held.has(key));
      if (missing.length > 0) throw new Error(`${missing.length} are missing: ${missing.join()}`);
      return true;
    });
  } finally {
    wire.close();
  }
}

const why = obstacle();
if (why !== undefined) process.stdout.write(`skipped: full disks need a tmpfs to mount: ${why}\n`);

(why === undefined ? describe : describe.skip).each(protocolsFor("raft"))(
  "a full disk over %s",
  (protocol) => {
    const flags = ["--consensus", protocol];
    /** Moves what the member has to a disk with room. */
    function move(member: MemberProcess): void {
      const kept = mkdtempSync(join(tmpdir(), "hansa-moved-"));
      cpSync(member.dataDir, kept, { recursive: true });
      unmount(member.dataDir);
      mount(member.dataDir, LARGE_DISK);
      cpSync(kept, member.dataDir, { recursive: true });
      rmSync(kept, { recursive: true });
    }

    /** Writes until the member with the small disk has ended. @returns what was acknowledged. */
    async function writeUntilFull(cluster: Cluster, small: MemberProcess): Promise<Set<string>> {
      const wires = cluster.members.map((member) => new WireClient(member.endpoint));
      const acknowledged = new Set<string>();
      let count = 0;
      try {
        await until("the disk is full and the member has ended", FULL_MS_MAX, async () => {
          const wire = wires[count % wires.length];
          const key = `k${String(count).padStart(5, "0")}`;
          count += 1;
          const value = new Uint8Array(VALUE_BYTES).fill(97 + (count % 26));
          const written = await wire?.put({ key: bytes(key), value }, CALL_MS_MAX).then(
            () => true,
            // Refused or unknown: not acknowledged.
            () => false,
          );
          if (written === true) acknowledged.add(key);
          return small.exit;
        });
      } finally {
        for (const wire of wires) wire.close();
      }
      return acknowledged;
    }

    test.each([1, 3])(
      "of one member of %d: nothing acknowledged is lost",
      async (voters) => {
        const cluster = await Cluster.plan({ voters, flags });
        try {
          const small = cluster.member("n1");
          mount(small.dataDir, SMALL_DISK);
          await cluster.startAll();
          const acknowledged = await writeUntilFull(cluster, small);
          process.stdout.write(`full after ${acknowledged.size} writes, of ${voters}\n`);
          expect(acknowledged.size).toBeGreaterThan(50);
          expect(small.exit).toEqual({ code: 6 });
          expect(small.output).toMatch(/ENOSPC|no space|NoSpace|full/i);
          move(small);
          small.start();
          await small.ready();
          for (const member of cluster.members) await holdsAll(member, acknowledged);
        } finally {
          await Promise.all(
            cluster.members.filter(({ running }) => running).map(async (member) => member.kill()),
          );
          // A disk that is still there cannot be removed with its folder.
          for (const folder of [...mounted]) unmount(folder);
          await cluster.stop();
        }
      },
      180_000,
    );
  },
);
