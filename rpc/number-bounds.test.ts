// Numbers of 64 bits that nothing here ever comes to: who sends one, asked or not, known or not, is refused with one typed
// error. Anything else that a handler throws is a bug, and ends the server.
import { expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import { originId } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { identity } from "../test/federation/document.ts";
import { ask } from "../test/rpc/call.ts";
import { decodeStatePart, decodeTakeState } from "./bootstrap-codec.ts";
import { conflictTable } from "./conflict-service.ts";
import { decodeHandOn } from "./home-codec.ts";
import { decodePullMessage, helloShape } from "./region-codec.ts";
import { salvageTable } from "./salvage-service.ts";

const HUGE = 2n ** 60n;
const wire = hansa.region.v1;
const from = { federationId: identity(15), origin: originId(2), incarnation: identity(2) };
const hello = helloShape({ version: 1, from, to: originId(1), epoch: 3, leads: false });
const boasting = { ...hello, epoch: HUGE };

/** Of a region in no federation: what is asked is read before that is said. */
const conflicts = conflictTable({});
const salvage = salvageTable(undefined);

test.each<[string, () => unknown]>([
  [
    "a pull's hello",
    () => decodePullMessage(wire.PullMessage.encode({ hello: boasting }).finish()),
  ],
  ["a write handed on", () => decodeHandOn(wire.HandOn.encode({ hello: boasting }).finish())],
  ["a state's hello", () => decodeTakeState(wire.TakeState.encode({ hello: boasting }).finish())],
  [
    "the epoch of an admission",
    () => decodeTakeState(wire.TakeState.encode({ hello, admitted: HUGE }).finish()),
  ],
  [
    "the count of a state's parts",
    () => decodeStatePart(wire.StatePart.encode({ end: { count: HUGE } }).finish()),
  ],
  [
    "the place in what was salvaged",
    () => {
      const request = { from: { origin: 1, sequence: HUGE } };
      const bytes = hansa.v1.SalvageListRequest.encode(request).finish();
      ask(salvage, "/hansa.v1.Salvage/List", bytes);
    },
  ],
  [
    "the last that is let go",
    () => {
      const request = { through: { origin: 1, sequence: HUGE } };
      const bytes = hansa.v1.SalvageDiscardRequest.encode(request).finish();
      ask(salvage, "/hansa.v1.Salvage/Discard", bytes);
    },
  ],
  [
    "the number of a settled conflict",
    () => {
      const bytes = hansa.v1.ListSettledRequest.encode({ from: HUGE }).finish();
      ask(conflicts, "/hansa.v1.Conflicts/ListSettled", bytes);
    },
  ],
])("%s is refused by its number", (_, decode) => {
  let thrown: unknown;
  try {
    decode();
  } catch (cause) {
    thrown = cause;
  }
  expect(thrown).toBeInstanceOf(KvError);
  expect(thrown).toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/1152921504606846976 is not an integer in/) as unknown,
  });
});
