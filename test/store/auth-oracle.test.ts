// Users, roles and rights against the model: random changes and commands by random callers, across restarts; and the
// guards, which are each missed when they are taken away.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key, LeaseId, PlantedAuthBug } from "../../base/index.ts";
import { NOBODY, OWN_AUTHORITY, isRefusal } from "../../store/index.ts";
import type {
  AuthChange,
  Caller,
  KeyRange,
  PermissionKind,
  Request,
  RequestOp,
} from "../../store/index.ts";
import { commands, ranges } from "./arbitrary.ts";
import { AuthModel } from "./auth-model.ts";
import type { Decision } from "./auth-model.ts";
import { Host } from "./host.ts";

type Step =
  | { readonly step: "change"; readonly change: AuthChange }
  | { readonly step: "command"; readonly command: Request; readonly by: Draft }
  | { readonly step: "read"; readonly range: KeyRange; readonly by: Draft }
  | { readonly step: "restart" };

/** `age`: by how many auth revisions what the caller showed is old. */
interface Draft {
  readonly who: string;
  readonly age: number;
}

const names = fc.constantFrom("root", "ann", "bob");
const roleNames = fc.constantFrom("root", "r", "s");
const keys = fc.constantFrom("a", "ab", "b", "ba", "c", "\u{ff}").map((text) => text as Key);
const ends = fc.constantFrom("\0", "a", "b", "bb", "d", "a\0").map((text) => text as Key);
const spans: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ key: keys }),
  fc.record({ key: keys, end: ends }),
);
const kinds = fc.constantFrom<PermissionKind>("read", "write", "readwrite");
const digests = fc.constantFrom("x", "y", "z").map((text) => text.repeat(32) as Key);

const changes: fc.Arbitrary<AuthChange> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<AuthChange>({ kind: "enable" }, { kind: "disable" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("user-add", "user-delete", "user-password"),
      user: names,
      passwordHash: fc.constant("h"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("user-grant", "user-revoke"),
      user: names,
      role: roleNames,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("role-add", "role-delete"),
      role: roleNames,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(roleNames, kinds, spans).map(([role, kind, span]) => {
      return { kind: "role-grant" as const, role, permission: { kind, ...span } };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("role-revoke" as const),
      role: roleNames,
      range: spans,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("token-issue" as const),
      user: names,
      digest: digests,
      ttlMs: fc.constant(1000),
      authRevision: fc.integer({ min: 1, max: 30 }),
    }),
  },
);

const drafts: fc.Arbitrary<Draft> = fc.record({
  who: fc.constantFrom("nobody", "server", "root", "ann", "ann", "ann", "bob"),
  age: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 8 })),
});

const leased = fc.constantFrom<Request>(
  { kind: "lease-grant", id: 5n as LeaseId, ttlMs: 60_000 },
  { kind: "lease-revoke", id: 5n as LeaseId },
  { kind: "session-open", ttlMs: 1000 },
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: changes.map((change) => ({ step: "change" as const, change })) },
  {
    weight: 8,
    arbitrary: fc.record({
      step: fc.constant("command" as const),
      command: fc.oneof({ weight: 6, arbitrary: commands }, leased),
      by: drafts,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant("read" as const), range: ranges, by: drafts }),
  },
  { weight: 1, arbitrary: fc.constant({ step: "restart" as const }) },
);

/** Most runs begin where rights matter. */
const FOUNDING: readonly AuthChange[] = [
  { kind: "user-add", user: "root", passwordHash: "h" },
  { kind: "user-grant", user: "root", role: "root" },
  { kind: "user-add", user: "ann", passwordHash: "h" },
  { kind: "role-add", role: "r" },
  { kind: "user-grant", user: "ann", role: "r" },
  { kind: "enable" },
];

const DECISIONS = new Set(["user-empty", "auth-revision-old", "permission-denied"]);

const agreement = fc.property(
  fc.boolean(),
  fc.array(steps, { minLength: 1, maxLength: 40 }),
  (isFounded, script) => {
    const host = new Host({ valueCacheBytesMax: 0 });
    const model = new AuthModel();
    if (isFounded) found(host, model);
    for (const step of script) play(step, host, model);
    const hash = host.machine.hash();
    host.flush();
    expect(host.restart().ok).toBe(true);
    expect(host.machine.hash()).toBe(hash);
  },
);

function found(host: Host, model: AuthModel): void {
  for (const change of FOUNDING) play({ step: "change", change }, host, model);
}

function play(step: Step, host: Host, model: AuthModel): void {
  switch (step.step) {
    case "change": {
      const request = { kind: "auth", change: step.change } as const;
      const response = host.run(request, 0, OWN_AUTHORITY);
      expect(codeOf(response)).toBe(model.change(step.change));
      expectSameRecord(host, model);
      return;
    }
    case "command": {
      const caller = callerOf(step.by, model);
      const { leases } = host.machine;
      const expected = model.judge(caller, step.command, (id) => {
        return [...(leases.get(id as LeaseId)?.keys ?? [])];
      });
      const before = host.machine.revision;
      const code = codeOf(host.run(step.command, 0, caller));
      expect(DECISIONS.has(code ?? "") ? code : undefined).toBe(expected);
      if (expected !== undefined) expect(host.machine.revision).toBe(before);
      return;
    }
    case "read": {
      const caller = callerOf(step.by, model);
      const refused = host.machine.auth.refusesRead(caller, step.range);
      expect(refused?.code).toBe(model.read(caller, step.range));
      return;
    }
    case "restart":
      host.flush();
      expect(host.restart().ok).toBe(true);
      expectSameRecord(host, model);
  }
}

function expectSameRecord(host: Host, model: AuthModel): void {
  const { auth } = host.machine;
  expect([auth.enabled, auth.revision]).toEqual([model.enabled, model.revision]);
  expect(auth.userNames()).toEqual([...model.users.keys()].sort());
  expect(auth.roleNames()).toEqual([...model.roles.keys()].sort());
  for (const [name, { roles }] of model.users) {
    expect(auth.user(name)?.roles).toEqual([...roles].sort());
  }
  for (const digest of ["x", "y", "z"].map((text) => text.repeat(32) as Key)) {
    expect(auth.token(digest)?.user).toBe(model.tokens.get(digest));
  }
}

function callerOf({ who, age }: Draft, { revision }: AuthModel): Caller {
  if (who === "nobody") return NOBODY;
  if (who === "server") return OWN_AUTHORITY;
  return { kind: "user", name: who, authRevision: Math.max(1, revision - age) };
}

function codeOf(response: object): Decision {
  return isRefusal(response) ? response.code : undefined;
}

const ANN: Draft = { who: "ann", age: 0 };
const PUT = { value: Uint8Array.of(1), lease: 0n as LeaseId, prevKv: false, ignoreValue: false };
const WRITE_OF_A: AuthChange = {
  kind: "role-grant",
  role: "r",
  permission: { kind: "write", key: "a" as Key },
};

function putOf(key: string, prevKv = false): RequestOp {
  return { kind: "put", put: { ...PUT, key: key as Key, prevKv, ignoreLease: false } };
}

function txnOf(...success: RequestOp[]): Extract<RequestOp, { readonly kind: "txn" }> {
  return { kind: "txn", txn: { compare: [], success, failure: [] } };
}

/** After the founding and the grant: where each guard alone stands in the way. */
const EXPOSING: Readonly<Record<PlantedAuthBug, readonly Step[]>> = {
  "nested-txn-unauthorised": [{ step: "command", by: ANN, command: txnOf(txnOf(putOf("b"))) }],
  "prev-kv-unauthorised": [
    {
      step: "command",
      by: ANN,
      command: { kind: "put", put: { ...PUT, key: "a" as Key, prevKv: true, ignoreLease: false } },
    },
  ],
  "auth-revision-not-rechecked": [
    { step: "change", change: { kind: "user-password", user: "ann", passwordHash: "other" } },
    { step: "command", by: { who: "ann", age: 1 }, command: txnOf(putOf("a")) },
  ],
};

describe("rights agree with the model", () => {
  test("in every decision and every record, across restarts", () => {
    fc.assert(agreement, { numRuns: 250 });
  });

  test.each(Object.keys(EXPOSING) as PlantedAuthBug[])("and not without the guard of %s", (bug) => {
    const played = (planted: { readonly planted?: PlantedAuthBug }): void => {
      const host = new Host({ valueCacheBytesMax: 0, ...planted });
      const model = new AuthModel();
      found(host, model);
      for (const step of [{ step: "change" as const, change: WRITE_OF_A }, ...EXPOSING[bug]]) {
        play(step, host, model);
      }
    };
    played({});
    expect(() => played({ planted: bug })).toThrow();
  });
});
