// The options of a federation, judged together: each mistake is named with its flag, all at once.
import { expect, test } from "@jest/globals";
import { federationRegionOf } from "./config-federation.ts";
import { parseConfig } from "./config.ts";

function issues(...flags: readonly string[]): string[] {
  const result = parseConfig(flags, {});
  return result.ok ? [] : result.issues.map(({ option, problem }) => `${option} ${problem}`);
}

const DIRECTORY = "--federation-directory-endpoints=127.0.0.1:2379,[::1]:2379";

test("a directory needs the region's name, as the federation takes it", () => {
  expect(issues(DIRECTORY, "--federation-region=ams")).toEqual([]);
  expect(issues(DIRECTORY, "--region=ams")).toEqual([]);
  expect(issues(DIRECTORY)).toEqual([expect.stringContaining("must name this region")]);
  expect(issues(DIRECTORY, "--region=AMS")).toEqual([
    expect.stringContaining("must name this region"),
  ]);
  expect(federationRegionOf({ region: "rack-7", federationRegion: "ams" })).toBe("ams");
  expect(federationRegionOf({ region: "ams", federationRegion: "" })).toBe("ams");
});

test("what belongs together is asked for, and what means nothing without a directory is refused", () => {
  expect(issues("--federation-directory-user=region")).toEqual([
    expect.stringMatching(/^--federation-directory-user .*--federation-directory-endpoints/),
  ]);
  expect(
    issues(
      DIRECTORY,
      "--federation-region=ams",
      "--federation-directory-cert-file=a.crt",
      "--federation-directory-user=region",
    ),
  ).toEqual([
    expect.stringContaining("--federation-directory-key-file go together"),
    expect.stringContaining("needs --federation-directory-trusted-ca-file"),
    expect.stringContaining("--federation-directory-password-file go together"),
  ]);
  expect(issues("--federation-directory-endpoints=nowhere")).toEqual([
    expect.stringContaining("HOST:PORT"),
  ]);
});
