// The network between regions: every region reaches the others through a proxy of its own (HTTP CONNECT, which
// grpc-js is told of by `grpc_proxy`), so each pair has a delay and can be cut, on any machine and without root.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

interface Way {
  readonly from: string;
  readonly to: string;
  readonly ends: readonly Duplex[];
}

/** What a region's processes need of it. */
export interface Network {
  /** What listens at `port` is of that region. */
  place(port: number, region: string): void;
  /** The address of the proxy through which `region` reaches others. */
  proxyOf(region: string): Promise<string>;
}

export class WideArea implements Network {
  readonly #delayMs: number;
  readonly #regionOf = new Map<number, string>();
  readonly #proxies = new Map<string, Server>();
  readonly #ways = new Set<Way>();
  readonly #cut = new Set<string>();

  /** `delayMs`: one way, between any two regions. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  place(port: number, region: string): void {
    this.#regionOf.set(port, region);
  }

  async proxyOf(region: string): Promise<string> {
    const server = createServer();
    server.on("connect", (request, socket: Duplex, head: Buffer) => {
      this.#carry(region, Number(request.url?.split(":").pop()), socket, head);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#proxies.set(region, server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Nothing more passes between `region` and the others, either way, until `heal`. */
  cut(region: string): void {
    this.#cut.add(region);
    for (const way of this.#ways) if (this.#isCut(way.from, way.to)) this.#end(way);
  }

  heal(): void {
    this.#cut.clear();
  }

  close(): void {
    for (const way of this.#ways) this.#end(way);
    for (const server of this.#proxies.values()) server.close();
  }

  #isCut(from: string, to: string): boolean {
    return from !== to && (this.#cut.has(from) || this.#cut.has(to));
  }

  #carry(from: string, port: number, near: Duplex, head: Buffer): void {
    const to = this.#regionOf.get(port) ?? from;
    if (this.#isCut(from, to)) {
      near.destroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    const way: Way = { from, to, ends: [near, far] };
    this.#ways.add(way);
    for (const end of way.ends) {
      end.on("error", () => this.#end(way));
      end.on("close", () => this.#end(way));
    }
    far.once("connect", () => {
      near.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      if (head.length > 0) far.write(head);
      const delayMs = from === to ? 0 : this.#delayMs;
      carryOneWay(near, far, delayMs);
      carryOneWay(far, near, delayMs);
    });
  }

  #end(way: Way): void {
    if (!this.#ways.delete(way)) return;
    for (const end of way.ends) end.destroy();
  }
}

/** Timers of one delay fire in the order in which they were set: bytes keep theirs. */
function carryOneWay(source: Duplex, target: Duplex | Socket, delayMs: number): void {
  source.on("data", (bytes: Buffer) => {
    setTimeout(() => {
      if (!target.destroyed) target.write(bytes);
    }, delayMs);
  });
}
