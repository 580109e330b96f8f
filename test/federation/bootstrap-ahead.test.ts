// A state whose stamps are far ahead waits for the clock of who takes it, as a transaction does where it comes in
// (federation 16, trap 15).
import { expect, test } from "@jest/globals";
import type { WallMs } from "../../base/index.ts";
import { INGRESS_AHEAD_MS_MAX } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { ANCHOR_MS, Region, configOf } from "./region.ts";
import { cutOf, read, stage } from "./transfer.ts";

/** Beside the anchor. */
const AHEAD_MS = 10_000;

test("a state that is ahead is let in once this clock is near it", () => {
  const config = configOf(2, [policy("w/")]);
  const [donor, taker] = [new Region(1), new Region(2)];
  for (const one of [donor, taker]) one.configure(config);
  donor.nowMs = AHEAD_MS;
  donor.run(put("w/a", "1"));
  stage(taker, read(donor, cutOf(donor)));
  const at = (ms: number): string | undefined =>
    taker.state.rebirth.faultAt((ANCHOR_MS + ms) as WallMs);
  expect(at(0)).toContain("ms ahead of this clock");
  expect(at(AHEAD_MS - INGRESS_AHEAD_MS_MAX - 100)).toContain("ms ahead of this clock");
  expect(at(AHEAD_MS)).toBeUndefined();
});
