// Another region's word that it has more of this region's own origin than this one minted, judged where the log applies
// it (federation 1): a leader that lags, or leads no more, says it of a region that only went on without it.
import { expect, test } from "@jest/globals";
import { decodeChange, encodeChange, originId } from "../../federation/index.ts";
import type { FederationChange } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf } from "./region.ts";

const SELF = originId(1);
const MINTED = 3;

function minted(): Region {
  const region = new Region(1);
  region.configure(configOf(2, [policy("w/")]));
  for (let at = 1; at <= MINTED; at += 1) region.run(put(`w/${at}`, "1"));
  return region;
}

const said = (sequence: number): FederationChange => ({
  ...{ change: "rolled-back", origin: SELF, sequence },
});

test("what the log has minted by the time it is applied is no second history", () => {
  const region = minted();
  region.change(said(MINTED));
  expect([...region.state.forked]).toEqual([]);
  region.run(put("w/more", "2"));
  expect(region.state.applied.get(SELF)).toBe(MINTED + 1);
});

test("more than the log has minted is one: nothing is minted any more", () => {
  const region = minted();
  region.change(said(MINTED + 1));
  expect([...region.state.forked]).toEqual([SELF]);
  region.run(put("w/more", "2"));
  expect(region.state.applied.get(SELF)).toBe(MINTED);
});

test("the word goes through the log as it is", () => {
  expect(decodeChange(encodeChange(said(MINTED)))).toEqual(said(MINTED));
});
