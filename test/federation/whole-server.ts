// A member that is a group of its own, as a whole server in this process.
import { join } from "node:path";
import { Closers } from "../../server/closers.ts";
import { parseConfig } from "../../server/config.ts";
import { ServerJournal } from "../../server/journal.ts";
import { Server } from "../../server/server.ts";
import { freePort } from "../e2e/free-port.ts";

export interface WholeServer {
  /** host:port, for clients and for peers. */
  readonly endpoint: string;
  readonly peer: string;
  /** Of the journal. */
  readonly log: string;
  /** @throws if anything could not be closed */
  stop(): Promise<void>;
}

const SEGMENT_BYTES = 4 * 1024 * 1024;

/** `ports`: of one that was stopped. */
export async function startServer(
  folder: string,
  name: string,
  flags: readonly string[],
  ports?: Pick<WholeServer, "endpoint" | "peer">,
): Promise<WholeServer> {
  const endpoint = ports?.endpoint ?? `127.0.0.1:${await freePort()}`;
  const peer = ports?.peer ?? `127.0.0.1:${await freePort()}`;
  const log = join(folder, `${name}.log`);
  const urls = `--listen-peer-urls=http://${peer}`;
  const result = parseConfig(
    [
      ...[`--name=${name}`, `--data-dir=${join(folder, name)}`, ...flags],
      ...[`--listen-client-urls=http://${endpoint}`, `--advertise-client-urls=http://${endpoint}`],
      ...[urls, `--initial-advertise-peer-urls=http://${peer}`],
      ...[`--initial-cluster=${name}=http://${peer}`, `--log-outputs=${log}`],
      `--log-segment-bytes=${SEGMENT_BYTES}`,
    ],
    {},
  );
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const { config } = result;
  const closers = new Closers();
  const fail = (failure: unknown): never => {
    throw failure;
  };
  const journal = ServerJournal.open({
    ...{ level: "info", outputs: config.logOutputs, format: "json", fields: {} },
    onOutputFailure: (_, failure) => fail(failure),
  });
  const server = await Server.start({
    ...{ config, journal, closers, onHalt: fail, onBug: fail, onRemoved: () => undefined },
    signal: new AbortController().signal,
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    const left = await closers.closeAll();
    await journal.close();
    if (left.length > 0) throw new Error(`not closed: ${JSON.stringify(left)}`);
  };
  return { endpoint, peer, log, stop };
}
