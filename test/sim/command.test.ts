// The simulator's options are all checked, and a wrong one is named with what was expected.
import { expect, test } from "@jest/globals";
import { parseCommand } from "./command.ts";

test.each([
  [["--protocol", "zab"], "--protocol zab: expected raft or paxos"],
  [["--seed", "-1"], "--seed -1: expected a whole number from 1 to 4294967295"],
  [["--seeds", "many"], "--seeds many: expected a whole number from 1 to 4294967295"],
  [["--hours", "0"], "--hours 0: expected hours above 0, at most 1000"],
  [["--hours", "1", "--seeds", "3"], "--hours: expected neither --seeds nor --planted with it"],
  [["--bug", "ant"], "--bug ant: expected one of "],
  [["--write-seeds"], "--write-seeds: expected --planted with it"],
  [["--seeds", "9", "--trace"], "expected one seed"],
  [["--planted", "--without", "kill"], "expected one seed"],
])("%s is refused", (args, says) => {
  // parseArgs wants its own refusals for "-1".
  const joined = args.length === 2 ? [`${args[0]}=${args[1]}`] : args;
  expect(() =>
    parseCommand(args.length === 2 && !args[1]?.startsWith("--") ? joined : args),
  ).toThrow(says);
});

test("without --protocol the long runs take both cores", () => {
  expect(parseCommand(["--planted"]).protocols).toEqual(["raft", "paxos"]);
  expect(parseCommand(["--planted", "--protocol", "paxos"]).protocols).toEqual(["paxos"]);
});
