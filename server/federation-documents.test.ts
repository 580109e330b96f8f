// Under which origin a region mints: one that its own log drew, whatever came first, the incarnation or the document.
import { expect, test } from "@jest/globals";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import { encodeConfig } from "../federation/index.ts";
import { policy } from "../test/federation/document.ts";
import { ANCHOR_MS, Region, configOf } from "../test/federation/region.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationDocuments } from "./federation-documents.ts";

const CONFIG = configOf(2, [policy("f/")]);
const NEWS = { epoch: CONFIG.epoch, document: encodeConfig(CONFIG) };
const [EAST] = CONFIG.members;

function parts(): { region: Region; documents: FederationDocuments; errors: string[] } {
  const region = new Region(1);
  const errors: string[] = [];
  const documents = new FederationDocuments({
    region: "east",
    state: new FederatedRegion(() => region.host.machine),
    propose: (change, done) => done(!("kind" in region.change(change))),
    clock: { monotonicMs: () => 0 as MonotonicMs, wallMs: () => ANCHOR_MS as WallMs },
    journal: {
      info: () => undefined,
      warn: () => undefined,
      error: (message) => errors.push(message),
    },
  });
  return { region, documents, errors };
}

function draw(region: Region): void {
  if (EAST === undefined) throw new Error("a member");
  region.change({ change: "draw", incarnation: EAST.incarnation });
}

test("a document whose incarnation of this region was drawn elsewhere gives it no origin, and that is told", () => {
  const { region, documents, errors } = parts();
  documents.configure(NEWS, () => undefined);
  documents.look();
  expect(region.state.self).toBeUndefined();
  expect(errors).toEqual(["this region's origin was given to other data"]);
});

test("drawn before the document or after it, the incarnation is the region's", () => {
  const first = parts();
  draw(first.region);
  first.documents.configure(NEWS, () => undefined);
  const second = parts();
  second.documents.configure(NEWS, () => undefined);
  draw(second.region);
  second.documents.look();
  for (const { region, documents } of [first, second]) {
    documents.look();
    expect(region.state.self?.origin).toBe(1);
    region.restart();
    expect(region.state.self?.origin).toBe(1);
  }
});

test("a file is its operator's word for the incarnation in it", () => {
  const { region, documents, errors } = parts();
  documents.adopt(NEWS);
  expect([region.state.self?.origin, errors]).toEqual([1, []]);
});
