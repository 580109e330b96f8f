// The members of a development cluster: names, ports, folders and the flags of each. Pure.
import { join } from "node:path";
import { devServerFlags } from "./dev-certificates.ts";
import { UsageError } from "./exit-code.ts";

export interface DevOptions {
  readonly nodes: number;
  readonly learners: number;
  readonly consensus: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absent: 2379, 22379, 32379, ...; given: members stand 10 apart from it. */
  readonly basePort?: number;
  /** Every port over TLS, with certificates of a CA in the data folder. */
  readonly tls?: boolean;
}

export interface DevMember {
  readonly name: string;
  readonly isLearner: boolean;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Of clients. */
  readonly url: string;
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
  const scheme = options.tls === true ? "https" : "http";
  const urlOf = (port: number): string => `${scheme}://${HOST}:${port}`;
  const cluster = seats.map((seat) => `${seat.name}=${urlOf(seat.peerPort)}`).join(",");
  const learnerNames = seats.filter((seat) => seat.isLearner).map((seat) => seat.name);
  return seats.map((seat) => ({
    ...seat,
    url: urlOf(seat.clientPort),
    logFile: join(dataDir, `${seat.name}.log`),
    flags: [
      ...["--name", seat.name, "--data-dir", join(dataDir, seat.name)],
      ...["--listen-client-urls", urlOf(seat.clientPort)],
      ...["--advertise-client-urls", urlOf(seat.clientPort)],
      ...["--listen-peer-urls", urlOf(seat.peerPort)],
      ...["--initial-advertise-peer-urls", urlOf(seat.peerPort)],
      ...["--initial-cluster", cluster, "--initial-cluster-token", "hansa-dev"],
      ...["--consensus", consensus],
      ...(options.tls === true ? devServerFlags(dataDir) : []),
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
  const { nodes, learners, consensus, basePort, tls } = options;
  const secured = tls === true ? { tls } : {};
  return `${JSON.stringify({ nodes, learners, consensus, basePort: basePort ?? null, ...secured })}\n`;
}

export function endpointOf(member: DevMember): string {
  return member.url.replace(/^http:\/\//, "");
}
