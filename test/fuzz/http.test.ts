// HTTP routes with hostile bytes: requests of every route with bodies of any bytes, near-JSON and JSON of the wrong
// shape, and valid conversations with bytes changed. Nothing throws, and nothing of a connection is left.
import { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { GATEWAY_PATHS, GATEWAY_PREFIXES } from "../../rpc/http/gateway-paths.ts";
import { JsonValues } from "../../rpc/http/json-values.ts";
import { HttpServed, posted } from "../integration/rpc/http-served.ts";
import { MemoryBackend } from "../integration/rpc/memory-backend.ts";
import { servicesOf } from "../integration/rpc/served.ts";

let served: HttpServed;

beforeAll(async () => {
  const backend = new MemoryBackend();
  const health = { backend, alarms: () => [] };
  served = await HttpServed.begin({ services: servicesOf(backend), health: () => health });
});

afterAll(async () => {
  await served.end();
  expect(served.bugs).toEqual([]);
  expect(served.http.usage).toEqual({ connections: 0, requests: 0, heldBytes: 0 });
});

const paths = GATEWAY_PREFIXES.flatMap((prefix) =>
  Object.values(GATEWAY_PATHS).flatMap((suffixes) => suffixes.map((suffix) => prefix + suffix)),
);
const path = fc.oneof(
  fc.constantFrom(...paths),
  fc.constantFrom("/health", "/version", "/readyz", "/livez/serializable_read", "/metrics", "/"),
  fc.webPath(),
);
const words = fc.constantFrom(
  ..."key,range_end,rangeEnd,ID,TTL,create_request,success,compare,request_put,value,lease,name".split(
    ",",
  ),
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1e300,
      "YQ==",
      "99999999999999999999",
      "",
      "ASCEND",
    ),
    fc.dictionary(words, tie("value"), { maxKeys: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
})).value;
const body = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc
    .array(json, { maxLength: 3 })
    .map((values) => values.map((value) => JSON.stringify(value)).join("")),
  fc.string({ unit: "binary", maxLength: 60 }),
);
const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 });
const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 });

/** A peer that says what it is given and reads everything. */
class Peer extends Duplex {
  said = "";
  override _read(): void {
    // Tests push.
  }
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.said += chunk.toString("latin1");
    done();
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Says the bytes, cut so, on a connection of its own. */
async function survives(bytes: Buffer, sizes: readonly number[]): Promise<string> {
  const peer = new Peer();
  served.carrier.accept(peer);
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    if (at < bytes.length && !peer.destroyed) peer.push(bytes.subarray(at, at + size));
    at += size;
    await turns(1);
  }
  await turns(4);
  peer.destroy();
  // A call that is answered late is answered all the same.
  while (served.http.usage.connections + served.carrier.usage.connections > 0) await turns(1);
  expect(served.bugs).toEqual([]);
  return peer.said;
}

test("any body at any route is answered, or its connection ends", async () => {
  await fc.assert(
    fc.asyncProperty(path, body, cuts, async (to, text, sizes) => {
      const said = await survives(Buffer.from(posted(encodeURI(to), text)), sizes);
      expect(said === "" || /^HTTP\/1\.1 [2-5]\d\d /.test(said)).toBe(true);
    }),
    { numRuns: 250 },
  );
});

test("conversations with bytes changed end with nothing left", async () => {
  const requests = fc.array(fc.tuple(path, body), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(requests, changes, cuts, async (asked, changed, sizes) => {
      const text = asked.map(([to, content]) => posted(encodeURI(to), content)).join("");
      const bytes = Buffer.from(text);
      for (const [at, value] of changed) bytes[at % bytes.length] = value;
      await survives(bytes, sizes);
    }),
    { numRuns: 200 },
  );
});

test("objects in a row are found again, however they are cut", () => {
  const object = fc
    .dictionary(fc.string({ unit: "binary" }), json)
    .map((value) => JSON.stringify(value));
  const blank = fc.constantFrom("", " ", "\n", "\r\n\t");
  fc.assert(
    fc.property(fc.array(fc.tuple(object, blank)), cuts, (parts, sizes) => {
      const found: string[] = [];
      let held = 0;
      const values = new JsonValues({
        hold: (bytes) => (held += bytes) >= 0,
        release: (bytes) => (held -= bytes),
        bytesMax: 1 << 20,
        onValue: (text) => found.push(text),
        onTooMuch: () => undefined,
      });
      const bytes = Buffer.from(parts.map((part) => part.join("")).join(""));
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        values.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(found).toEqual(parts.map(([text]) => text));
      expect([values.midway, held]).toEqual([false, 0]);
    }),
    { numRuns: 300 },
  );
});
