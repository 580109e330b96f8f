// What a member with an empty data directory is to become: one of a new cluster, or one that joins. Both ask the
// others first: data of a member that has run before is lost data, and such a member must not vote (R10).
import type { ClusterView, PeerDialer } from "../rpc/index.ts";
import { clusterViewBy } from "./cluster-question.ts";
import type { ClusterQuestion } from "./cluster-question.ts";
import { hexId } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import type { Config } from "./config.ts";
import { hasMember } from "./data-directory.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { joinersView, standingOf } from "./founding-rules.ts";
import type { Journal } from "./ports.ts";

/**
 * The bootstrap for an empty data directory; what the options describe if there is data already.
 *
 * @throws {StartRefusal} wrongDataDirectory, when the cluster knows this member from before; badConfiguration,
 * when the cluster to join does not answer or does not expect it. Nothing was touched.
 */
export async function foundingOf(
  config: Config,
  dialer: PeerDialer,
  journal: Journal,
): Promise<Bootstrap | undefined> {
  const { bootstrap, joins } = config;
  if (bootstrap === undefined || hasMember(config.dataDir)) return bootstrap;
  const others = bootstrap.members.filter(({ node }) => node !== bootstrap.self.node);
  const urls = others.flatMap(({ peerUrls }) => peerUrls);
  if (joins) return joined(config, bootstrap, await viewToJoin({ urls, dialer, journal }));
  // Somebody who is merely slow may know that this member has lost its data: a silence is worth waiting for.
  const view = await clusterViewBy({ urls, dialer, askAgain: "silent", journal });
  if (view?.clusterId === bootstrap.clusterId) checkUnknown(view, bootstrap, config.dataDir);
  return bootstrap;
}

/** A cluster that runs, asked by one that its options call a founder of it. */
function checkUnknown(view: ClusterView, { self }: Bootstrap, dataDir: string): void {
  const { roster } = view.membership;
  if (roster === undefined) return;
  const standing = standingOf(roster, self.id);
  const who = `member ${hexId(self.id)} (${JSON.stringify(self.name)})`;
  if (standing === "absent") {
    refuse(
      ExitCode.wrongDataDirectory,
      `${who} was removed from the running cluster ${hexId(view.clusterId)}; add it anew with \`hansa member add\` and start it with --initial-cluster-state existing`,
    );
  }
  if (standing === "started") refuseKnown(who, dataDir);
}

function joined(config: Config, described: Bootstrap, view: ClusterView): Bootstrap {
  const { membership, clusterId, protocol } = view;
  const { roster } = membership;
  const { name, peerUrls } = described.self;
  const row = roster?.members.find((member) => member.peerUrls.join() === peerUrls.join());
  if (row === undefined || roster === undefined) {
    refuse(
      ExitCode.badConfiguration,
      `--initial-advertise-peer-urls ${peerUrls.join(",")}: no member of cluster ${hexId(clusterId)} has these peer URLs; add it first with \`hansa member add\``,
    );
  }
  if (standingOf(roster, row.id) === "started") {
    refuseKnown(`member ${hexId(row.id)} (${JSON.stringify(row.name)})`, config.dataDir);
  }
  if (protocol !== config.consensus) {
    const problem = `--consensus ${config.consensus}: cluster ${hexId(clusterId)} runs ${protocol}`;
    refuse(ExitCode.badConfiguration, problem);
  }
  if (config.electionTimeoutMs < membership.leaseMs) {
    refuse(
      ExitCode.badConfiguration,
      `--election-timeout ${config.electionTimeoutMs} is below the lease constant ${membership.leaseMs} ms of cluster ${hexId(clusterId)}; expected at least that`,
    );
  }
  const members = roster.members.map((member) =>
    member.node === row.node ? { ...member, name } : member,
  );
  const self = { ...row, name };
  return {
    protocol: config.consensus,
    clusterId,
    self,
    members,
    membership: joinersView(membership, { ...roster, members }, row.node),
  };
}

/** @throws {StartRefusal} badConfiguration, when nobody answers. */
async function viewToJoin(question: Omit<ClusterQuestion, "askAgain">): Promise<ClusterView> {
  const view = await clusterViewBy({ ...question, askAgain: "always" });
  if (view !== undefined) return view;
  const { urls } = question;
  refuse(
    ExitCode.badConfiguration,
    `--initial-cluster-state existing: none of ${urls.join(", ") || "(nobody but this member is in --initial-cluster)"} answers as a member of a running cluster`,
  );
}

function refuseKnown(who: string, dataDir: string): never {
  refuse(
    ExitCode.wrongDataDirectory,
    `${who} has already been bootstrapped, but ${dataDir} is empty: a member that lost its data must not vote again under its id; remove it with \`hansa member remove\` and add it anew`,
  );
}

function refuse(code: ExitCode, problem: string): never {
  throw new StartRefusal(code, problem);
}
