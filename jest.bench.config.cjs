/** Benchmarks: one at a time, each prints its table; `npm run bench -- NAME` picks by name. */
module.exports = {
  ...require("./jest.config.cjs"),
  testMatch: ["<rootDir>/test/bench/**/*.bench.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  testTimeout: 3_600_000,
  maxWorkers: 1,
};
