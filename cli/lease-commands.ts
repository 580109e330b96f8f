// `hansa lease ...`, in etcdctl's words.
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import { CliExit } from "./exit-code.ts";
import { countValue, leaseValue } from "./flag-value.ts";
import { addLiveFlag, live } from "./live.ts";
import {
  goneView,
  grantedView,
  leaseListView,
  leaseStateView,
  renewedView,
  revokedView,
} from "./lease-view.ts";
import { withSession } from "./session.ts";
import type { CommonFlags } from "./session.ts";
import type { Stdio } from "./stdio.ts";

export function addLeaseCommands(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const lease = program.command("lease").description("keys that live as long as somebody says so");
  addGrant(lease, stdio);
  lease
    .command("revoke")
    .description("end a lease, and its keys with it")
    .argument("<id>", "in hexadecimal", leaseValue)
    .action(async (id: bigint, _: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        print(revokedView(id, await client.leases.revoke(id)));
      });
    });
  lease
    .command("timetolive")
    .description("print what is left of a lease")
    .argument("<id>", "in hexadecimal", leaseValue)
    .option("--keys", "and what hangs on it")
    .action(async (id: bigint, flags: { keys?: boolean }, command: Command) => {
      const withKeys = flags.keys ?? false;
      const { hex = false } = command.optsWithGlobals<CommonFlags>();
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const state = await client.leases.state(id, { keys: withKeys });
        print(leaseStateView(state, { withKeys, hex }));
      });
    });
  addLiveFlag(lease.command("list").description("print the leases, the next due first")).action(
    async (_: object, command: Command) => {
      await live(command, stdio, (frame) =>
        withSession(command, frame, {}, async ({ client, print }) => {
          print(leaseListView(await client.leases.list()));
        }),
      );
    },
  );
  addKeepAlive(lease, stdio, onExit);
}

function addGrant(lease: Command, stdio: Stdio): void {
  lease
    .command("grant")
    .description("make a lease")
    .argument("<ttl>", "seconds", countValue)
    .option("--id <id>", "in hexadecimal, instead of a random one", leaseValue)
    .action(async (ttlS: number, flags: { id?: bigint }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const options = flags.id === undefined ? {} : { id: flags.id };
        print(grantedView(await client.leases.grant(ttlS, options)));
      });
    });
}

function addKeepAlive(lease: Command, stdio: Stdio, onExit: (code: CliExit) => void): void {
  lease
    .command("keep-alive")
    .description("renew a lease until it is gone or this is stopped")
    .argument("<id>", "in hexadecimal", leaseValue)
    .option("--once", "renew it once")
    .action(async (id: bigint, flags: { once?: boolean }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const state = await client.leases.state(id);
        if (state.leftS === undefined) {
          print(goneView(id));
          onExit(CliExit.failed);
          return;
        }
        const kept = client.leases.keepAlive({ id, ttlS: state.grantedTtlS });
        kept.onRenewed = (ttlS) => {
          print(renewedView(id, ttlS));
          if (flags.once === true) kept.stop();
        };
        const { reason, error } = await kept.lost;
        if (reason === "stopped") return;
        if (reason === "gone") print(goneView(id));
        onExit(CliExit.failed);
        if (reason === "unheard") {
          throw new KvError("unavailable", "unknown", "nobody answered for as long as it lives");
        }
        if (error !== undefined) throw error;
      });
    });
}
