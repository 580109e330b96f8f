// A request's content-length against the DATA that comes: RFC 9113 section 8.1.1. gRPC's clients send none; who
// sends one and something else is a request that was cut, joined or smuggled on its way.
import { ErrorCode, StreamFault } from "./fault.ts";

export class DeclaredLength {
  readonly #streamId: number;
  readonly #declaredBytes: number | undefined;
  #bytes = 0;

  /** `declaredBytes` undefined: nothing was declared, and anything may come. */
  constructor(streamId: number, declaredBytes: number | undefined) {
    this.#streamId = streamId;
    this.#declaredBytes = declaredBytes;
  }

  /** Payload of DATA, without its padding. @throws {StreamFault} PROTOCOL_ERROR: more than declared. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#declaredBytes !== undefined && this.#bytes > this.#declaredBytes) throw this.#fault();
  }

  /** No more comes. @throws {StreamFault} PROTOCOL_ERROR: less than declared. */
  end(): void {
    if (this.#declaredBytes !== undefined && this.#bytes !== this.#declaredBytes)
      throw this.#fault();
  }

  #fault(): StreamFault {
    const what = `${this.#bytes} bytes of DATA, content-length ${this.#declaredBytes}`;
    return new StreamFault(this.#streamId, ErrorCode.PROTOCOL_ERROR, `malformed request: ${what}`);
  }
}
