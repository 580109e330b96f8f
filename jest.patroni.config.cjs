/** Patroni and PostgreSQL from Debian on a Hansa cluster: too long for `npm test`; `npm run patroni`. */
module.exports = {
  ...require("./jest.config.cjs"),
  testMatch: ["<rootDir>/test/patroni/**/*.patroni.ts"],
  testTimeout: 300_000,
  maxWorkers: 1,
};
