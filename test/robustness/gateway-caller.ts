// One member's JSON gateway, one attempt a call: 64-bit integers are strings there, and bytes are base64.

export type Json = Readonly<Record<string, unknown>>;

/** A refusal, in the gateway's words. */
export class GatewayRefusal extends Error {
  override readonly name = "GatewayRefusal";
}

export class GatewayCaller {
  readonly endpoint: string;

  /** host:port. */
  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  /** @throws {GatewayRefusal} what the member refused; any other error: nobody knows what came of it. */
  async post(path: string, body: Json, timeoutMs: number, token?: string): Promise<Json> {
    const answer = await fetch(`http://${this.endpoint}/v3${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: token }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await answer.text();
    if (!answer.ok) throw new GatewayRefusal(`${path} at ${this.endpoint}: ${text}`);
    return JSON.parse(text) as Json;
  }
}

export function base64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}

/** The revision of an answer's header; 0: it has none. */
export function headerRevision({ header }: Json): number {
  const { revision } = (header ?? {}) as { readonly revision?: string };
  return Number(revision ?? 0);
}
