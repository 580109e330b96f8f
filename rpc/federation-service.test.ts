// What an operator's command is taken for, and what is refused before anybody is asked: no part of it is ignored.
import { expect, test } from "@jest/globals";
import { hansa } from "../proto/index.ts";
import { ask } from "../test/rpc/call.ts";
import type { FederationOrder } from "./federation-desk.ts";
import { federationTable } from "./federation-service.ts";

/** The order that a move of a home is. */
function moved(how: hansa.v1.IMoveHome): FederationOrder | undefined {
  let taken: FederationOrder | undefined;
  const desk = {
    change: (order: FederationOrder) => {
      taken = order;
    },
    view: () => undefined,
  };
  const move_home = { prefix: Buffer.from("f/"), to: "fra", ...how };
  const bytes = hansa.v1.FederationChangeRequest.encode({ move_home }).finish();
  ask(federationTable(desk), "/hansa.v1.Federation/Change", bytes);
  return taken;
}

test("a home moves as planned, by force, or by the words of others", () => {
  const move = { command: "home-move", prefix: "f/", to: "fra" };
  const given = (rest: object) => expect.objectContaining({ ...move, ...rest }) as unknown;
  const ordered = [{}, { force: true }, { unplanned: true }, { unplanned: true, write_regions: 3 }];
  expect(ordered.map((how) => moved(how))).toEqual([
    { order: "command", command: given({ force: false }) },
    { order: "command", command: given({ force: true }) },
    { order: "command", command: given({ gathers: 0 }) },
    { order: "command", command: given({ gathers: 3 }) },
  ]);
  expect(() => moved({ force: true, unplanned: true })).toThrow("either forced or unplanned");
  for (const force of [false, true]) {
    expect(() => moved({ force, write_regions: 2 })).toThrow("is of an unplanned move");
  }
});
