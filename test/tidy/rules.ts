// The house rules as data: who may import whom, what a pure folder may touch, how long a file may grow.
// docs/architecture.md says why; the files beside this one check them on the syntax tree.

/** Folder -> folders whose index.ts it may import. A folder that is missing here may not exist. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  consensus: ["base"],
  raft: ["base", "consensus"],
  paxos: ["base", "consensus"],
  store: ["base", "consensus"],
  federation: ["base", "store"],
  proto: [],
  rpc: ["base", "consensus", "raft", "paxos", "store", "federation", "proto"],
  server: ["base", "consensus", "raft", "paxos", "store", "federation", "proto", "rpc", "client"],
  client: ["base", "proto"],
  cli: ["base", "proto", "client", "server"],
  examples: ["base", "client"],
};

/** Of consensus/, the store knows the log entry and the storage operations, in these files only. */
export const STORE_FILES_THAT_KNOW_CONSENSUS: readonly RegExp[] = [
  /^store\/(?:[a-z-]*log[a-z-]*|log|segment[a-z-]*|machine[a-z-]*|[a-z-]*record[a-z-]*|snapshot-stream)\.ts$/,
];

/** No Node API, clock, timer, chance or promise in these. */
export const PURE_FOLDERS: readonly string[] = [
  "base",
  "consensus",
  "raft",
  "paxos",
  "store",
  "federation",
];

/** Files of pure folders that stand behind a port because they touch the outside. */
export const IMPURE_FILES: Readonly<Record<string, string>> = {
  "store/node-disk.ts": "the Disk port on Node's fs",
  "store/rocksdb-engine.ts": "the Engine port on RocksDB",
  "store/memory-disk.ts": "defers completions, as the port demands",
  "store/memory-engine.ts": "defers completions, as the port demands",
};

export const IMPURE_GLOBALS: readonly string[] = [
  "Buffer",
  "Date",
  "Promise",
  "WebSocket",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "global",
  "globalThis",
  "performance",
  "process",
  "queueMicrotask",
  "require",
  "setImmediate",
  "setInterval",
  "setTimeout",
];

/** Folder -> npm packages its production code may import, with `file` where one file alone may. */
export const PACKAGES: Readonly<Record<string, readonly { name: string; file?: string }[]>> = {
  federation: [{ name: "sorted-btree" }],
  store: [{ name: "sorted-btree" }, { name: "rocksdb", file: "store/rocksdb-engine.ts" }],
  proto: [{ name: "protobufjs" }],
  rpc: [{ name: "@grpc/grpc-js" }, { name: "express" }, { name: "protobufjs" }, { name: "ws" }],
  server: [
    { name: "@grpc/grpc-js" },
    { name: "@jitl/quickjs-wasmfile-release-sync", file: "server/handler-interpreter.ts" },
    { name: "@peculiar/x509" },
    { name: "bcrypt" },
    { name: "jose" },
    { name: "prom-client" },
    { name: "quickjs-emscripten-core", file: "server/handler-interpreter.ts" },
    { name: "reflect-metadata" },
    { name: "winston" },
    { name: "yaml" },
    { name: "zod" },
  ],
  client: [{ name: "@grpc/grpc-js" }, { name: "@opentelemetry/api" }, { name: "protobufjs" }],
  cli: [{ name: "commander" }],
};

/** Files that may cast through unknown, each with its reason. */
export const CASTS_BY_REASON: Readonly<Record<string, string>> = {
  "proto/wire.ts": "protobufjs's types promise Long objects, which are never made here",
};

/** Generated code imports these; it is not in the tree. */
export const USED_BY_GENERATED: readonly string[] = ["proto/wire.ts"];

/** What runs or is published; everything else must be reachable from these. */
export const ENTRY_POINTS: readonly RegExp[] = [
  /^cli\/main\.ts$/,
  /^server\/handler-worker\.ts$/,
  /^client\/index\.ts$/,
  /^raft\/index\.ts$/,
  /^examples\/[a-z-]+\.ts$/,
  /^examples\/[a-z-]+\/demo\.ts$/,
  /^test\/(?:sim|exhaustive|robustness)\/main\.ts$/,
  /^test\/bench\/[a-z-]+-(?:load|process)\.ts$/,
  /^test\/.*\.(?:test|long|bench|patroni)\.ts$/,
];

/** Every export of these is used by somebody outside the repository. */
export const PUBLIC_FILES: readonly string[] = ["client/index.ts", "raft/index.ts"];

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;

/** Longer than the limits, each with its reason: `path` or `path:function`. */
export const LONG_BY_REASON: Readonly<Record<string, string>> = {};

export const BANNED_FILE_WORDS =
  /(?:^|[/-])(?:utils?|helpers?|common|misc|managers?|service-impl)(?:[-.]|$)/;

/** Pattern -> what to write instead. Judged in comments and documentation, not in strings. */
export const BANNED_WORDS: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bTODO\b(?!\(#\d+\))/, instead: "finish it, or TODO(#issue)" },
  { pattern: /\b(?:FIXME|XXX|HACK)\b/, instead: "mend it" },
  { pattern: /\bsimplified\b/i, instead: "do the whole, or say what is left out in a fact" },
  { pattern: /\bfor now\b/i, instead: "say what is, in the present tense" },
  { pattern: /\b(?:placeholder|not implemented yet)\b/i, instead: "write the thing" },
  {
    pattern: /\b(?:blazing(?:ly)?|production-ready|battle-tested|world-class)\b/i,
    instead: "a number",
  },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, instead: "give it a type" },
];

/** Headers: a file opens with 1 to 5 comment lines that say what it decides. */
export const HEADER_LINES_MAX = 5;
