// Reads much of a store in a process of its own, so that the reader's work holds up no other measurement: a
// prefix of many keys, or a snapshot, again and again. Takes one JSON argument (ReadPlan) and prints
// "begin", a line {ms, bytes} for each reading, and "end".
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import { etcdserverpb } from "../../proto/index.ts";

export interface ReadPlan {
  readonly endpoint: string;
  readonly what:
    { readonly kind: "prefix"; readonly prefix: string } | { readonly kind: "snapshot" };
  readonly times: number;
}

export interface Reading {
  readonly ms: number;
  readonly bytes: number;
}

const CALL_MS_MAX = 120_000;

function received(client: Client, { what }: ReadPlan): Promise<number> {
  const same = (bytes: Buffer): Buffer => bytes;
  const options = { deadline: Date.now() + CALL_MS_MAX };
  if (what.kind === "prefix") {
    const key = Buffer.from(what.prefix);
    const end = Buffer.from(key);
    end[end.length - 1] = (end.at(-1) ?? 0) + 1;
    const request = etcdserverpb.RangeRequest.encode({ key, range_end: end }).finish();
    return new Promise((resolve, reject) => {
      const path = "/etcdserverpb.KV/Range";
      client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(request),
        new Metadata(),
        options,
        (failure, answer) => {
          if (failure) reject(failure);
          else resolve(answer?.length ?? 0);
        },
      );
    });
  }
  return new Promise((resolve, reject) => {
    const path = "/etcdserverpb.Maintenance/Snapshot";
    let bytes = 0;
    const stream = client.makeServerStreamRequest(
      path,
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      options,
    );
    stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
    stream.on("error", reject);
    stream.on("end", () => resolve(bytes));
  });
}

async function main(plan: ReadPlan): Promise<void> {
  const client = new Client(plan.endpoint, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  process.stdout.write("begin\n");
  for (let time = 0; time < plan.times; time += 1) {
    const startedAtMs = performance.now();
    const bytes = await received(client, plan);
    const reading: Reading = { ms: performance.now() - startedAtMs, bytes };
    process.stdout.write(`${JSON.stringify(reading)}\n`);
  }
  process.stdout.write("end\n");
  client.close();
}

main(JSON.parse(process.argv[2] ?? "{}") as ReadPlan).catch((failure: unknown) => {
  process.stderr.write(`${String(failure)}\n`);
  process.exitCode = 1;
});
