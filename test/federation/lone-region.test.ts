// A federation of one region answers whatever an etcd client asks as a lone region does, to the revision and the event,
// under every policy: a client sees no difference until there is somebody to conflict with (federation 6).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key } from "../../base/index.ts";
import { POLICY_NAMES } from "../../federation/index.ts";
import { commands, ranges } from "../store/arbitrary.ts";
import { Host } from "../store/host.ts";
import { policy } from "./document.ts";
import { Region, configOf } from "./region.ts";

const names = fc.constantFrom(...POLICY_NAMES);

test("one region alone answers as a store that knows no federation", () => {
  fc.assert(
    fc.property(
      names,
      fc.array(commands, { minLength: 1, maxLength: 25 }),
      ranges,
      fc.boolean(),
      (name, script, range, restarts) => {
        const lone = new Host();
        const region = new Region(1);
        const prefixes = ["a", "b"].map((prefix) =>
          policy(prefix, { policy: name, ...(name === "resolver" && { handler: "h" }) }),
        );
        const handlers = [
          { name: "h", hash: "0".repeat(64), source: "unused", runs: "on-write" as const },
        ];
        region.configure(configOf(1, prefixes, name === "resolver" ? { handlers } : {}));
        for (const command of script) {
          expect(region.run(command)).toEqual(lone.run(command, region.nowMs));
          expect(region.host.range(range)).toEqual(lone.range(range));
        }
        if (restarts) region.restart();
        expect(region.host.range(range)).toEqual(lone.range(range));
        const from = lone.machine.compacted;
        expect(region.events(from)).toEqual(eventsOf(lone, from));
        // Everything that is there has one sibling, and what a client sees is its value.
        for (const key of region.state.keys()) expect(region.siblings(key)).toHaveLength(1);
      },
    ),
    { numRuns: 30 },
  );
});

function eventsOf({ machine }: Host, from: number): readonly string[] {
  const events: string[] = [];
  machine.changes.visit(
    from,
    (key: Key, version) => {
      const kind = version.count === 0 ? "delete" : "put";
      events.push(`${version.mod} ${kind} ${key} v${version.count}`);
    },
    () => true,
  );
  return events;
}
