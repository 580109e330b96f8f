// A raw stream of watches on one endpoint, and all that came of it: the instrument of the watch tests.
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { etcdserverpb } from "../../proto/index.ts";
import { until } from "./until.ts";

export type WatchAnswer = etcdserverpb.WatchResponse.$Shape;

const { WatchRequest, WatchResponse } = etcdserverpb;
const WAIT_MS_MAX = 20_000;

export class WatchTape {
  readonly answers: WatchAnswer[] = [];
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<etcdserverpb.IWatchRequest, WatchAnswer>;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace("http://", ""), credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#stream = this.#client.makeBidiStreamRequest(
      "/etcdserverpb.Watch/Watch",
      (message: etcdserverpb.IWatchRequest) => Buffer.from(WatchRequest.encode(message).finish()),
      (bytes: Buffer): WatchAnswer => WatchResponse.decode(bytes),
    );
    this.#stream.on("data", (answer: WatchAnswer) => this.answers.push(answer));
    // A server that is killed ends it; what came before is what counts.
    this.#stream.on("error", () => undefined);
  }

  send(request: etcdserverpb.IWatchRequest): void {
    this.#stream.write(request);
  }

  create(request: etcdserverpb.IWatchCreateRequest): void {
    this.send({ create_request: request });
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  async holds(what: string, judge: (tape: this) => boolean): Promise<void> {
    await until(what, WAIT_MS_MAX, () => (judge(this) ? true : undefined));
  }

  /** "3: PUT key=value@7", in order of arrival. */
  get events(): string[] {
    return this.answers.flatMap((answer) =>
      (answer.events ?? []).map((event) => `${String(answer.watch_id ?? 0)}: ${shown(event)}`),
    );
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

function shown({ type, kv, prev_kv }: NonNullable<WatchAnswer["events"]>[number]): string {
  const text = (bytes: Uint8Array | null | undefined): string =>
    Buffer.from(bytes ?? []).toString();
  const before = prev_kv ? ` was ${text(prev_kv.value)}@${String(prev_kv.mod_revision ?? 0)}` : "";
  const revision = String(kv?.mod_revision ?? 0);
  return `${type === 1 ? "DELETE" : "PUT"} ${text(kv?.key)}=${text(kv?.value)}@${revision}${before}`;
}
