// Messages as JSON and back: proto3's rules as grpc-gateway has them, on etcd's own messages, and what is refused
// with its place. Properties: what one side writes the other reads, whatever the values.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../../base/index.ts";
import { etcdserverpb, methodShapeOf } from "../../proto/index.ts";
import { JSON_DEPTH_MAX, JsonNumber, parseJson } from "./json-text.ts";
import type { Json } from "./json-text.ts";
import { messageOfJson } from "./json-to-message.ts";
import { jsonOfMessage } from "./message-to-json.ts";

const RANGE = methodShapeOf("/etcdserverpb.KV/Range");
const TXN = methodShapeOf("/etcdserverpb.KV/Txn");
const PUT = methodShapeOf("/etcdserverpb.KV/Put");
const WATCH = methodShapeOf("/etcdserverpb.Watch/Watch");
const LEASES = methodShapeOf("/etcdserverpb.Lease/LeaseTimeToLive");
const MEMBERS = methodShapeOf("/etcdserverpb.Cluster/MemberAdd");

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KvError && error.code === "invalid-argument") return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** A request as JSON, and what comes of it as JSON again. */
function roundTrip({ request }: typeof RANGE, text: string): string {
  return jsonOfMessage(request, messageOfJson(request, parseJson(text)));
}

function range(text: string): etcdserverpb.RangeRequest.$Shape {
  return etcdserverpb.RangeRequest.decode(messageOfJson(RANGE.request, parseJson(text)));
}

describe("a request", () => {
  test("takes names as in the .proto file and in lowerCamelCase, and passes over unknown ones", () => {
    for (const name of ["range_end", "rangeEnd"]) {
      expect(roundTrip(RANGE, `{"key":"Zm9v","${name}":"Zm9w","unheard_of":{"a":[1]}}`)).toBe(
        '{"key":"Zm9v","range_end":"Zm9w"}',
      );
    }
    expect(roundTrip(LEASES, '{"ID":"7","keys":true,"id":"8"}')).toBe('{"ID":"7","keys":true}');
  });

  test("takes 64-bit integers as numbers and as strings without losing a digit", () => {
    const both = ["9223372036854775807", '"9223372036854775807"', '"-9223372036854775808"', "-1"];
    const lease = (text: string): string => roundTrip(PUT, `{"lease":${text}}`);
    expect(both.map(lease)).toEqual(
      ["9223372036854775807", "9223372036854775807", "-9223372036854775808", "-1"].map(
        (digits) => `{"lease":"${digits}"}`,
      ),
    );
    expect(["1e2", "7.0", '"20"'].map((text) => range(`{"limit":${text}}`).limit)).toEqual([
      100, 7, 20,
    ]);
  });

  test("refuses what is no such integer, naming the field", () => {
    const refused = ["9223372036854775808", "1.5", '"x"', '"0x10"', '""', "true", "[]", "1e30"];
    for (const text of refused) {
      expect(refusal(() => range(`{"limit":${text}}`))).toMatch(
        /^hansa: JSON: limit is .*; expected a whole number of int64$/,
      );
    }
    const member = (text: string): string =>
      refusal(() =>
        messageOfJson(
          methodShapeOf("/etcdserverpb.Cluster/MemberRemove").request,
          parseJson(`{"ID":${text}}`),
        ),
      );
    expect(member("-1")).toContain("ID is -1; expected a whole number of uint64");
  });

  test("takes base64 of both alphabets, padded or not, and refuses what is none", () => {
    const bytes = (text: string): Buffer => Buffer.from(range(`{"key":"${text}"}`).key ?? []);
    const expected = Buffer.of(0xfb, 0xff);
    for (const text of ["+/8=", "+/8", "-_8=", "-_8", "+/\\n8=", "\\u002b/8="]) {
      expect(bytes(text)).toEqual(expected);
    }
    for (const text of ["%%", "A", "AAAAA", "AA=", "A===", "AA==AA", "=", "é"]) {
      expect(refusal(() => bytes(text))).toMatch(/^hansa: JSON: key is .*; expected base64$/);
    }
    expect(refusal(() => range('{"key":5}'))).toBe(
      "hansa: JSON: key is 5; expected a string of base64",
    );
  });

  test("takes enumerations by name and by number", () => {
    const order = (text: string): unknown => range(`{"sort_order":${text}}`).sort_order;
    expect(['"DESCEND"', "2", "77", '"NONE"', "null"].map(order)).toEqual([2, 2, 77, 0, 0]);
    expect(refusal(() => order('"descend"'))).toBe(
      'hansa: JSON: sort_order is "descend"; expected a number or one of NONE, ASCEND, DESCEND',
    );
  });

  test("takes null as absent, alone too, but not in a list", () => {
    expect(roundTrip(RANGE, "null")).toBe("{}");
    expect(roundTrip(RANGE, '{"key":null,"limit":null}')).toBe("{}");
    expect(refusal(() => roundTrip(TXN, '{"success":[null]}'))).toBe(
      "hansa: JSON: success[0] is null; expected an object",
    );
  });

  test("refuses two members of a oneof, a name twice, and both names of a field", () => {
    const both = '{"compare":[{"version":1,"value":"YQ=="}]}';
    expect(refusal(() => roundTrip(TXN, both))).toBe(
      "hansa: JSON: compare[0].value is given beside version",
    );
    expect(refusal(() => roundTrip(RANGE, '{"key":"YQ==","key":"YQ=="}'))).toBe(
      'hansa: JSON: "key" is given twice in one object',
    );
    expect(refusal(() => roundTrip(RANGE, '{"range_end":"","rangeEnd":""}'))).toBe(
      "hansa: JSON: rangeEnd is given beside range_end",
    );
  });

  test("keeps a zero that a oneof says is there, and text that is no Unicode as U+FFFD", () => {
    expect(roundTrip(TXN, '{"compare":[{"target":"CREATE","create_revision":0}]}')).toBe(
      '{"compare":[{"target":"CREATE","create_revision":"0"}]}',
    );
    expect(roundTrip(WATCH, '{"progress_request":{}}')).toBe('{"progress_request":{}}');
    expect(roundTrip(MEMBERS, '{"peerURLs":["\\ud800x","é"]}')).toBe(
      '{"peerURLs":["\ufffdx","é"]}',
    );
  });

  test("names the place of what is wrong, however deep", () => {
    const nested = '{"success":[{"request_txn":{"failure":[{"request_put":{"prev_kv":1}}]}}]}';
    expect(refusal(() => roundTrip(TXN, nested))).toBe(
      "hansa: JSON: success[0].request_txn.failure[0].request_put.prev_kv is 1; expected true or false",
    );
    expect(refusal(() => roundTrip(TXN, '{"success":{}}'))).toBe(
      "hansa: JSON: success is an object; expected an array",
    );
    expect(refusal(() => roundTrip(TXN, "[]"))).toBe(
      "hansa: JSON: the request is an array; expected an object",
    );
  });
});

describe("an answer", () => {
  test("has etcd's text: 64-bit integers as strings, zeros left out, enumerations by name", () => {
    const header = { cluster_id: 15875391935852295136n, revision: 2, raft_term: 2 };
    const kv = { key: Buffer.from("foo"), mod_revision: 2, version: 1, value: Buffer.from("bar") };
    const response = { header, events: [{ kv }, { type: 1, kv: { key: Buffer.from("foo") } }] };
    const bytes = etcdserverpb.WatchResponse.encode(response).finish();
    expect(jsonOfMessage(WATCH.response, bytes)).toBe(
      '{"header":{"cluster_id":"15875391935852295136","revision":"2","raft_term":"2"},' +
        '"events":[{"kv":{"key":"Zm9v","mod_revision":"2","version":"1","value":"YmFy"}},' +
        '{"type":"DELETE","kv":{"key":"Zm9v"}}]}',
    );
  });

  test("has 32-bit integers as numbers, and unknown enumerators as theirs", () => {
    const { response } = methodShapeOf("/etcdserverpb.Maintenance/Hash");
    const hash = etcdserverpb.HashResponse.encode({ hash: 2535226173 }).finish();
    expect(jsonOfMessage(response, hash)).toBe('{"hash":2535226173}');
    const alarm = methodShapeOf("/etcdserverpb.Maintenance/Alarm").response;
    const alarms = etcdserverpb.AlarmResponse.encode({
      alarms: [{ memberID: 1, alarm: 1 }, { alarm: 9 as etcdserverpb.AlarmType }, {}],
    }).finish();
    expect(jsonOfMessage(alarm, alarms)).toBe(
      '{"alarms":[{"memberID":"1","alarm":"NOSPACE"},{"alarm":9},{}]}',
    );
  });
});

test("what JSON.parse would lose is kept, and what is no JSON is refused with its place", () => {
  expect(parseJson(' [1.50, "a\\"\\\\", {"__proto__": 1}] ')).toEqual([
    new JsonNumber("1.50"),
    'a"\\',
    new Map([["__proto__", new JsonNumber("1")]]),
  ]);
  const broken: Readonly<Record<string, string>> = {
    "": "the end at character 0; expected a value",
    "{": "the end at character 1; expected a name in quotes",
    '{"a" 1}': '"1}" at character 5; expected ":"',
    "[1 2]": '"2]" at character 3; expected "," or "]"',
    "{} x": '"x" at character 3; expected the end',
    nul: '"nul" at character 0; expected a value',
    "01": '"1" at character 1; expected the end',
    '"a': "a string has no end",
    '"\\x"': 'the string "\\\\x" holds a character or escape that may not be',
    '"\n"': 'the string "\\n" holds a character or escape that may not be',
  };
  for (const [text, why] of Object.entries(broken)) {
    expect(refusal(() => parseJson(text))).toBe(`hansa: JSON: ${why}`);
  }
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(parseJson(deep(JSON_DEPTH_MAX))).toBeDefined();
  expect(refusal(() => parseJson(deep(JSON_DEPTH_MAX + 1)))).toBe(
    `hansa: JSON: deeper than ${JSON_DEPTH_MAX} levels`,
  );
});

test("any JSON that JSON.parse reads is read alike", () => {
  const plain = (json: Json): unknown => {
    if (json instanceof JsonNumber) return Number(json.text);
    if (Array.isArray(json)) return (json as readonly Json[]).map(plain);
    if (!(json instanceof Map)) return json;
    const entries = [...(json as ReadonlyMap<string, Json>)];
    return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
  };
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (text) => {
      expect(plain(parseJson(text))).toEqual(JSON.parse(text));
    }),
    { numRuns: 200 },
  );
});

test("every message survives the way through JSON", () => {
  const bytes = fc.uint8Array({ maxLength: 8 });
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const put = fc.record({ key: bytes, value: bytes, lease: int64, prev_kv: fc.boolean() });
  const op = fc.oneof(
    put.map((request_put) => ({ request_put })),
    fc.record({ key: bytes, limit: int64 }).map((request_range) => ({ request_range })),
    fc.constant({ request_txn: {} }),
  );
  const compare = fc.oneof(
    fc.record({ result: fc.nat({ max: 3 }), key: bytes, version: int64 }),
    fc.record({ target: fc.nat({ max: 4 }), value: bytes, range_end: bytes }),
  );
  const txn = fc.record({
    compare: fc.array(compare),
    success: fc.array(op),
    failure: fc.array(op),
  });
  fc.assert(
    fc.property(txn, (message) => {
      const sent = etcdserverpb.TxnRequest.encode(message).finish();
      const text = jsonOfMessage(TXN.request, sent);
      const again = messageOfJson(TXN.request, parseJson(text));
      expect(etcdserverpb.TxnRequest.decode(again)).toEqual(etcdserverpb.TxnRequest.decode(sent));
      expect(jsonOfMessage(TXN.request, again)).toBe(text);
      // Other parsers read it too.
      expect(typeof JSON.parse(text)).toBe("object");
    }),
    { numRuns: 150 },
  );
});
