/** `npm run e2e`: real processes and disks, the suites that are too long for `npm test` (`*.long.ts`) among them. */
module.exports = {
  ...require("./jest.config.cjs"),
  testMatch: ["<rootDir>/test/{e2e,integration}/**/*.{test,long}.ts"],
};
