// A leader has a link to each neighbour by the document in force, and to nobody else (federation 4).
import { createHash } from "node:crypto";
import { afterEach, expect, test } from "@jest/globals";
import { Buckets, Mulberry32 } from "../base/index.ts";
import { ReportBook, originId } from "../federation/index.ts";
import type { FederationConfig, OriginId } from "../federation/index.ts";
import { PeerDialer } from "../rpc/index.ts";
import { Region, configOf } from "../test/federation/exchange-world.ts";
import { systemClock } from "./clock.ts";
import { FederationPulling } from "./federation-pulling.ts";

const [SELF, SECOND, THIRD] = [originId(1), originId(2), originId(3)];
const MESH = configOf(3);

class Leader {
  readonly pulling: FederationPulling;
  readonly lost: OriginId[] = [];
  readonly #region = new Region(SELF, MESH);

  constructor() {
    this.pulling = new FederationPulling({
      self: SELF,
      state: this.#region,
      reports: new ReportBook(),
      hash: (bytes) => createHash("sha256").update(bytes).digest(),
      // It has nothing to say yet, so nobody is dialled.
      helloTo: () => undefined,
      dialer: new PeerDialer(),
      secure: false,
      random: new Mulberry32(1),
      propose: () => undefined,
      configure: (_, done) => done(),
      onClock: () => undefined,
      onGone: () => undefined,
      onLost: (neighbour) => {
        this.lost.push(neighbour);
      },
      onReports: () => undefined,
      clock: systemClock,
      arrivals: new Buckets([1]),
      journal: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  }

  /** @returns who was let go, and to whom there are links. */
  follow(config: FederationConfig): readonly (readonly OriginId[])[] {
    this.#region.config = config;
    this.pulling.onNews();
    return [this.lost.splice(0), [...this.pulling.links.keys()]].map((origins) =>
      origins.sort((left, right) => left - right),
    );
  }
}

const started: Leader[] = [];

afterEach(() => {
  for (const { pulling } of started.splice(0)) pulling.stop();
});

test("links follow the document: a neighbour that is none is let go, one that is found elsewhere is dialled anew", () => {
  const leader = new Leader();
  started.push(leader);
  expect(leader.follow(MESH)).toEqual([[], [SECOND, THIRD]]);
  const star = { ...MESH, epoch: 2, topology: { shape: "star", hub: "r3" } } as const;
  expect(leader.follow(star)).toEqual([[SECOND], [THIRD]]);
  const members = MESH.members.map((member) =>
    member.origin === THIRD ? { ...member, endpoints: ["elsewhere:1"] } : member,
  );
  expect(leader.follow({ ...star, epoch: 3, members })).toEqual([[THIRD], [THIRD]]);
  expect(leader.follow({ ...MESH, epoch: 4, members })).toEqual([[], [SECOND, THIRD]]);
  const without = members.filter(({ origin }) => origin !== SELF);
  expect(leader.follow({ ...MESH, epoch: 5, members: without })).toEqual([[SECOND, THIRD], []]);
});
