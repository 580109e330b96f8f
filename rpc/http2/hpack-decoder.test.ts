// The examples of RFC 7541 appendix C, octet by octet, and the blocks that must not be read.
import { describe, expect, test } from "@jest/globals";
import { ConnectionFault } from "./fault.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HeaderTable, headerField } from "./hpack-table.ts";
import { percentEncoded } from "./hpack-encoder.ts";

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

function decoderOf(tableBytes = 4_096, listBytesMax = 16_384): (hex: string) => string[] {
  const decoder = new HpackDecoder(tableBytes, listBytesMax);
  return (hex) => {
    const block = bytesOf(hex);
    const { fields, tooLarge } = decoder.decode(block, 0, block.length);
    return [
      ...fields.map(({ name, value }) => `${name}: ${value}`),
      `table ${decoder.tableBytes}${tooLarge ? ", too large" : ""}`,
    ];
  };
}

const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "table 57"],
  [
    ...[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    ...["cache-control: no-cache", "table 110"],
  ],
  [
    ...[":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com"],
    ...["custom-key: custom-value", "table 164"],
  ],
];

const DATES = ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"];
const RESPONSES = [
  [
    ...[":status: 302", "cache-control: private", `date: ${DATES[0]}`],
    ...["location: https://www.example.com", "table 222"],
  ],
  [
    ...[":status: 307", "cache-control: private", `date: ${DATES[0]}`],
    ...["location: https://www.example.com", "table 222"],
  ],
  [
    ...[":status: 200", "cache-control: private", `date: ${DATES[1]}`],
    ...["location: https://www.example.com", "content-encoding: gzip"],
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    "table 215",
  ],
];

describe("HPACK", () => {
  test("reads the literals of RFC 7541 C.2", () => {
    expect(decoderOf()("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572")).toEqual(
      ["custom-key: custom-header", "table 55"],
    );
    expect(decoderOf()("040c 2f73 616d 706c 652f 7061 7468")).toEqual([
      ":path: /sample/path",
      "table 0",
    ]);
    expect(decoderOf()("1008 7061 7373 776f 7264 0673 6563 7265 74")).toEqual([
      "password: secret",
      "table 0",
    ]);
    expect(decoderOf()("82")).toEqual([":method: GET", "table 0"]);
  });

  test("reads the requests of RFC 7541 C.3, without Huffman", () => {
    const decode = decoderOf();
    expect([
      decode("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"),
      decode("8286 84be 5808 6e6f 2d63 6163 6865"),
      decode("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"),
    ]).toEqual(REQUESTS);
  });

  test("reads the requests of RFC 7541 C.4, with Huffman", () => {
    const decode = decoderOf();
    expect([
      decode("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"),
      decode("8286 84be 5886 a8eb 1064 9cbf"),
      decode("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
    ]).toEqual(REQUESTS);
  });

  test("reads the responses of RFC 7541 C.5, which evict", () => {
    const decode = decoderOf(256);
    expect([
      decode(
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a" +
          "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      ),
      decode("4803 3330 37c1 c0bf"),
      decode(
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04" +
          "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49" +
          "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
      ),
    ]).toEqual(RESPONSES);
  });

  test("reads the responses of RFC 7541 C.6, with Huffman and eviction", () => {
    const decode = decoderOf(256);
    expect([
      decode(
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e" +
          "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      ),
      decode("4883 640e ffc1 c0bf"),
      decode(
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7" +
          "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed" +
          "4ee5 b106 3d50 07",
      ),
    ]).toEqual(RESPONSES);
  });

  test.each([
    ["an entry that is not there", "c0"],
    ["index 0", "80"],
    ["a string beyond its block", "000561"],
    ["an integer without end", "00ffffffffffffff01"],
    ["a table above what was advertised", "3fe2ffff01"],
    ["a table size after a field", "8220"],
    ["padding of a whole octet", "0082ffff0161"],
    ["padding that is not ones", "0081180161"],
    ["EOS within a string", "0084ffffffff0161"],
  ])("ends the connection for %s", (_, hex) => {
    expect(() => decoderOf()(hex)).toThrow(ConnectionFault);
  });

  test("reads a list above its bound to the end, keeps its table right, and says so", () => {
    const decode = decoderOf(4_096, 100);
    const one = decode(
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572".repeat(3),
    );
    expect(one).toEqual(["custom-key: custom-header", "table 165, too large"]);
    expect(decode("be")).toEqual(["custom-key: custom-header", "table 165"]);
  });

  test("keeps a bomb's table within its bytes, and its list too", () => {
    const decoder = new HpackDecoder(4_096, 16_384);
    const entry = bytesOf("4001617f8001" + "61".repeat(255));
    const bomb = Buffer.concat([entry, Buffer.alloc(30_000, 0xbe)]);
    const { fields, tooLarge } = decoder.decode(bomb, 0, bomb.length);
    expect(tooLarge).toBe(true);
    expect(fields.length).toBeLessThan(16_384 / 32);
    expect(decoder.tableBytes).toBeLessThanOrEqual(4_096);
  });

  test("empties the table for an entry that is larger than it", () => {
    const table = new HeaderTable(100);
    table.add(headerField("a", "b"));
    table.add(headerField("a", "b".repeat(100)));
    expect([table.bytes, table.at(62)]).toEqual([0, undefined]);
  });
});

test("grpc-message is percent-encoded UTF-8", () => {
  expect(percentEncoded("50% ü\n~")).toBe("50%25 %C3%BC%0A~");
});
