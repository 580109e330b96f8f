const swc = [
  "@swc/jest",
  {
    sourceMaps: "inline",
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    module: { type: "commonjs" },
    swcrc: false,
  },
];

/** Tests run from source through swc; those that start processes, or run many seeds, use dist/, which `npm test` compiles first. */
module.exports = {
  testEnvironment: "node",
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/test/bench/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  // jose is an ECMAScript module, the interpreter of handlers imports its parts: jest's own loader does neither.
  transform: { "^.+\\.ts$": swc, "/node_modules/(?:jose|@jitl/quickjs.+|quickjs.+)/.+\\.js$": swc },
  transformIgnorePatterns: ["/node_modules/(?!jose/|@jitl/quickjs|quickjs)"],
  injectGlobals: false,
  testTimeout: 60_000,
  maxWorkers: 2,
  testSequencer: "<rootDir>/jest.sequencer.cjs",
  // A look at a global takes long in jest's sandbox: the simulator spends a third less with these at hand. Not Set and
  // Promise: asn1js and bcrypt have their own.
  sandboxInjectedGlobals: [
    "Array",
    "BigInt",
    "DataView",
    "Error",
    "Map",
    "Math",
    "Number",
    "Object",
    "Uint8Array",
  ],
};
