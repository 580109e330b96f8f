// The members of a development cluster: names, ports, folders and the flags of each. Pure.
import { join } from "node:path";
import { UsageError } from "./exit-code.ts";

export interface DevOptions {
  readonly nodes: number;
  readonly learners: number;
  readonly consensus: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absent: 2379, 22379, 32379, ...; given: members stand 10 apart from it. */
  readonly basePort?: number;
}

export interface DevMember {
  readonly name: string;
  readonly isLearner: boolean;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Everything the member prints. */
  readonly logFile: string;
  /** What follows `hansa serve`. */
  readonly flags: readonly string[];
}

export const HOST = "127.0.0.1";
const CLIENT_PORT = 2379;
/** Of members by port when --base-port is given. */
const PORT_STEP = 10;
const PORT_MAX = 65_535;

/** @throws {UsageError} when the members do not fit into the ports there are */
export function devMembers(options: DevOptions): DevMember[] {
  const { nodes, learners, consensus, dataDir } = options;
  const seats = Array.from({ length: nodes + learners }, (_, at) => {
    const isLearner = at >= nodes;
    const clientPort = clientPortAt(at, options.basePort);
    const name = isLearner ? `l${at - nodes + 1}` : `n${at + 1}`;
    return { name, isLearner, clientPort, peerPort: clientPort + 1 };
  });
  const last = seats[seats.length - 1];
  if (last !== undefined && last.peerPort > PORT_MAX) {
    throw new UsageError(
      `${seats.length} members need port ${last.peerPort}, above ${PORT_MAX}: ` +
        (options.basePort === undefined ? "give --base-port" : "lower --base-port"),
    );
  }
  const peerUrl = (port: number): string => `http://${HOST}:${port}`;
  const cluster = seats.map((seat) => `${seat.name}=${peerUrl(seat.peerPort)}`).join(",");
  const learnerNames = seats.filter((seat) => seat.isLearner).map((seat) => seat.name);
  return seats.map((seat) => ({
    ...seat,
    logFile: join(dataDir, `${seat.name}.log`),
    flags: [
      ...["--name", seat.name, "--data-dir", join(dataDir, seat.name)],
      ...["--listen-client-urls", peerUrl(seat.clientPort)],
      ...["--advertise-client-urls", peerUrl(seat.clientPort)],
      ...["--listen-peer-urls", peerUrl(seat.peerPort)],
      ...["--initial-advertise-peer-urls", peerUrl(seat.peerPort)],
      ...["--initial-cluster", cluster, "--initial-cluster-token", "hansa-dev"],
      ...["--consensus", consensus],
      ...(learnerNames.length === 0 ? [] : ["--initial-learners", learnerNames.join(",")]),
    ],
  }));
}

/** etcd's local clusters: 2379, then 22379, 32379, ... */
function clientPortAt(at: number, basePort: number | undefined): number {
  if (basePort !== undefined) return basePort + at * PORT_STEP;
  return at === 0 ? CLIENT_PORT : (at + 1) * 10_000 + CLIENT_PORT;
}

/** What makes the data of one cluster another's; kept in the data folder and compared. */
export function devIdentity(options: DevOptions): string {
  const { nodes, learners, consensus, basePort } = options;
  return `${JSON.stringify({ nodes, learners, consensus, basePort: basePort ?? null })}\n`;
}

export function endpointOf(member: DevMember): string {
  return `${HOST}:${member.clientPort}`;
}
