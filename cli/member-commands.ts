// `hansa member ...`: who belongs to the cluster, in etcdctl's words, and who leads it.
import { Option } from "commander";
import type { Command } from "commander";
import type { Client, Member } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { addLiveFlag, live } from "./live.ts";
import { withSession } from "./session.ts";
import type { Session } from "./session.ts";
import type { Stdio } from "./stdio.ts";

export function addMemberCommands(program: Command, stdio: Stdio): void {
  const member = program.command("member").description("who belongs to the cluster");
  const run = (command: Command, body: (session: Session) => Promise<void>): Promise<void> =>
    withSession(command, stdio, {}, body);

  addLiveFlag(member.command("list").description("print the members")).action(
    async (_: object, command: Command) => {
      await live(command, stdio, (frame) =>
        withSession(command, frame, {}, async ({ client, output }) => {
          frame.out(output.members(await client.members()));
        }),
      );
    },
  );
  addTableCommands(member, stdio, run);
  member
    .command("move-leader")
    .description("hand leadership to another voter")
    .argument("<id>", "its id, as `member list` prints it")
    .action(async (id: string, _: object, command: Command) => {
      await run(command, async ({ client }) => {
        const from = hex((await client.status()).leader);
        await client.membership.moveLeader(idOf(id));
        stdio.out(`Leadership transferred from ${from} to ${hex(idOf(id))}\n`);
      });
    });
}

function addTableCommands(
  member: Command,
  stdio: Stdio,
  run: (command: Command, body: (session: Session) => Promise<void>) => Promise<void>,
): void {
  const peerUrls = (): Option =>
    new Option("--peer-urls <list>", "where the others reach it: URL,...").makeOptionMandatory();
  member
    .command("add")
    .description("expect a new member; it votes once it has caught up")
    .argument("<name>", "its --name")
    .addOption(peerUrls())
    .option("--learner", "it holds the data and answers reads, and does not vote until promoted")
    .action(async (name: string, flags: AddFlags, command: Command) => {
      await run(command, async ({ client }) => {
        const isLearner = flags.learner ?? false;
        const urls = flags.peerUrls.split(",");
        const { member: added, members, header } = await client.membership.add(urls, { isLearner });
        stdio.out(`Member ${hex(added.id)} added to cluster ${hex(header.clusterId)}\n\n`);
        stdio.out(environment(name, added, members));
      });
    });
  member
    .command("remove")
    .description("take a member out of the cluster, for good")
    .argument("<id>", "its id, as `member list` prints it")
    .action(async (id: string, _: object, command: Command) => {
      await run(command, async ({ client }) => {
        const { header } = await client.membership.remove(idOf(id));
        stdio.out(`Member ${hex(idOf(id))} removed from cluster ${hex(header.clusterId)}\n`);
      });
    });
  member
    .command("update")
    .description("say where the others reach a member from here on")
    .argument("<id>", "its id, as `member list` prints it")
    .addOption(peerUrls())
    .action(async (id: string, flags: { peerUrls: string }, command: Command) => {
      await run(command, async ({ client }) => {
        const { header } = await client.membership.update(idOf(id), flags.peerUrls.split(","));
        stdio.out(`Member ${hex(idOf(id))} updated in cluster ${hex(header.clusterId)}\n`);
      });
    });
  member
    .command("promote")
    .description("make a learner a voter; refused until it has caught up")
    .argument("<id>", "its id, as `member list` prints it")
    .action(async (id: string, _: object, command: Command) => {
      await run(command, async ({ client }) => {
        const { header } = await client.membership.promote(idOf(id));
        stdio.out(`Member ${hex(idOf(id))} promoted in cluster ${hex(header.clusterId)}\n`);
      });
    });
}

interface AddFlags {
  readonly peerUrls: string;
  readonly learner?: boolean;
}

/** What the new member is to be started with, as etcdctl prints it. */
function environment(
  name: string,
  added: Member,
  members: Awaited<ReturnType<Client["members"]>>["members"],
): string {
  const cluster = members.flatMap((member) => {
    const known = member.id === added.id ? name : member.name;
    return member.peerUrls.map((url) => `${known}=${url}`);
  });
  return [
    `ETCD_NAME="${name}"`,
    `ETCD_INITIAL_CLUSTER="${cluster.join(",")}"`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS="${added.peerUrls.join(",")}"`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"\n',
  ].join("\n");
}

/** @throws {UsageError} unless it is an id as it is printed. */
function idOf(text: string): bigint {
  if (/^[0-9a-f]{1,16}$/i.test(text)) return BigInt(`0x${text}`);
  throw new UsageError(`bad member ID ${JSON.stringify(text)}; expected hexadecimal digits`);
}

function hex(id: bigint): string {
  return id.toString(16);
}
