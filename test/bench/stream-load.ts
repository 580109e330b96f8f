// Drives the streams of a server in a process of its own: keep-alives of leases, and watches that are told of
// puts. Takes one JSON argument (StreamPlan), prints "begin" and "end" of the measured span and then the
// report as one JSON line. The same frames for every server, by grpc-js without any library above it.
import { setTimeout as span } from "node:timers/promises";
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { etcdserverpb } from "../../proto/index.ts";
import type { MethodPath } from "../../proto/index.ts";
import { percentiles } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";

export type StreamPlan = {
  readonly endpoints: readonly string[];
  readonly measureMs: number;
} & (
  | {
      readonly kind: "keep-alive";
      readonly leases: number;
      readonly streams: number;
      /** Renewals of one stream that are not answered. */
      readonly window: number;
    }
  | {
      /**
       * One writer, at the first endpoint, that waits for each event before it puts again; watches on all
       * endpoints in turn.
       */
      readonly kind: "watch";
      readonly watches: number;
      readonly connections: number;
    }
);

export interface StreamReport extends Percentiles {
  /** Renewals, or events told. */
  readonly perSecond: number;
  readonly clientCpuUs: number;
}

type Duplex = ClientDuplexStream<Buffer, Buffer>;

const CALL_MS_MAX = 30_000;
const GRANTS_AT_ONCE = 100;
/** A server that compiles what it runs often takes a while to have done so. */
const WARM_UP_MS = 2_000;

class Wire {
  readonly #client: Client;

  constructor(endpoint: string) {
    // A connection of its own.
    this.#client = new Client(endpoint, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  unary(path: MethodPath, request: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + CALL_MS_MAX };
      const end = (failure: Error | null, answer?: Buffer): void => {
        if (failure === null) resolve(answer ?? Buffer.alloc(0));
        else reject(failure);
      };
      const { same } = Wire;
      this.#client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(request),
        new Metadata(),
        options,
        end,
      );
    });
  }

  duplex(path: MethodPath): Duplex {
    const { same } = Wire;
    return this.#client.makeBidiStreamRequest(path, same, same, new Metadata());
  }

  close(): void {
    this.#client.close();
  }

  static same(this: void, bytes: Buffer): Buffer {
    return bytes;
  }
}

class Tally {
  readonly latenciesMs: number[] = [];
  measuring = false;
  over = false;

  note(ms: number): void {
    if (this.measuring) this.latenciesMs.push(ms);
  }
}

function wiresOf({ endpoints }: StreamPlan, count: number): Wire[] {
  return Array.from({ length: count }, (_, at) => new Wire(endpoints[at % endpoints.length] ?? ""));
}

async function keepAlive(
  plan: Extract<StreamPlan, { kind: "keep-alive" }>,
  tally: Tally,
): Promise<() => void> {
  const wires = wiresOf(plan, plan.streams);
  const [first] = wires;
  if (first === undefined) throw new Error("one stream at least");
  const grant = etcdserverpb.LeaseGrantRequest.encode({ TTL: 600 }).finish();
  const ids: (number | bigint)[] = [];
  while (ids.length < plan.leases) {
    const count = Math.min(GRANTS_AT_ONCE, plan.leases - ids.length);
    const answers = await Promise.all(
      Array.from({ length: count }, () => first.unary("/etcdserverpb.Lease/LeaseGrant", grant)),
    );
    for (const answer of answers) {
      ids.push(etcdserverpb.LeaseGrantResponse.decode(answer).ID ?? 0);
    }
  }
  const frames = ids.map((ID) =>
    Buffer.from(etcdserverpb.LeaseKeepAliveRequest.encode({ ID }).finish()),
  );
  const streams = wires.map((wire, at) => {
    const stream = wire.duplex("/etcdserverpb.Lease/LeaseKeepAlive");
    const sentAtMs: number[] = [];
    let next = at;
    const send = (): void => {
      const frame = frames[next % frames.length];
      next += plan.streams;
      sentAtMs.push(performance.now());
      if (frame !== undefined) stream.write(frame);
    };
    stream.on("data", () => {
      tally.note(performance.now() - (sentAtMs.shift() ?? 0));
      if (!tally.over) send();
    });
    stream.on("error", ended(tally));
    for (let sent = 0; sent < plan.window; sent += 1) send();
    return stream;
  });
  return () => {
    for (const stream of streams) stream.cancel();
    for (const wire of wires) wire.close();
  };
}

async function watch(
  plan: Extract<StreamPlan, { kind: "watch" }>,
  tally: Tally,
): Promise<() => void> {
  const key = Buffer.from("watched");
  const wires = wiresOf(plan, plan.connections);
  const writer = new Wire(plan.endpoints[0] ?? "");
  let putAtMs = 0;
  let told = 0;
  let nextPut: () => void = () => undefined;
  const streams = await Promise.all(
    wires.map(
      (wire, at) =>
        new Promise<Duplex>((resolve) => {
          const stream = wire.duplex("/etcdserverpb.Watch/Watch");
          const mine = watchesOf(plan.watches, plan.connections, at);
          let created = 0;
          stream.on("data", (bytes: Buffer) => {
            const answer = etcdserverpb.WatchResponse.decode(bytes);
            if (answer.created === true) {
              created += 1;
              if (created === mine) resolve(stream);
              return;
            }
            for (let events = answer.events?.length ?? 0; events > 0; events -= 1) {
              tally.note(performance.now() - putAtMs);
              told += 1;
            }
            if (told >= plan.watches) nextPut();
          });
          stream.on("error", ended(tally));
          const create = etcdserverpb.WatchRequest.encode({ create_request: { key } }).finish();
          for (let count = 0; count < mine; count += 1) stream.write(Buffer.from(create));
        }),
    ),
  );
  const put = etcdserverpb.PutRequest.encode({ key, value: Buffer.alloc(64, 118) }).finish();
  const rounds = async (): Promise<void> => {
    while (!tally.over) {
      told = 0;
      const all = new Promise<void>((resolve) => (nextPut = resolve));
      putAtMs = performance.now();
      await writer.unary("/etcdserverpb.KV/Put", put);
      await all;
    }
  };
  const running = rounds();
  return () => {
    running.then(
      () => {
        for (const stream of streams) stream.cancel();
        for (const wire of [...wires, writer]) wire.close();
      },
      (failure: unknown) => {
        throw failure;
      },
    );
  };
}

function watchesOf(watches: number, connections: number, at: number): number {
  return Math.floor(watches / connections) + (at < watches % connections ? 1 : 0);
}

/** A stream may end by our own cancelling only. */
function ended(tally: Tally): (failure: Error) => void {
  return (failure) => {
    if (!tally.over) throw failure;
  };
}

async function main(plan: StreamPlan): Promise<StreamReport> {
  const tally = new Tally();
  const stop = plan.kind === "watch" ? await watch(plan, tally) : await keepAlive(plan, tally);
  await span(WARM_UP_MS);
  tally.measuring = true;
  process.stdout.write("begin\n");
  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await span(plan.measureMs);
  tally.measuring = false;
  process.stdout.write("end\n");
  const cpu = process.cpuUsage(cpuBefore);
  const elapsedMs = performance.now() - startedAtMs;
  tally.over = true;
  stop();
  const operations = tally.latenciesMs.length;
  return {
    perSecond: (operations / elapsedMs) * 1_000,
    clientCpuUs: (cpu.user + cpu.system) / Math.max(1, operations),
    ...percentiles(tally.latenciesMs),
  };
}

main(JSON.parse(process.argv[2] ?? "{}") as StreamPlan).then(
  (report) => {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
  (failure: unknown) => {
    process.stderr.write(`${String(failure)}\n`);
    process.exitCode = 1;
  },
);
