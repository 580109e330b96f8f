// The gate in front of the services: while auth is on, nobody gets a byte decoded that has not said who he is, but for
// what anybody may ask; and what a user may not do as a whole is refused as early.
import { expect, describe, test } from "@jest/globals";
import { KvError } from "../../../base/index.ts";
import type { MonotonicMs } from "../../../base/index.ts";
import { METHOD_PATHS } from "../../../proto/index.ts";
import type { MethodPath } from "../../../proto/index.ts";
import type { Accounts, Call, ServiceTable, StreamSink } from "../../../rpc/index.ts";
import { NOBODY, OWN_AUTHORITY } from "../../../store/index.ts";
import type { AuthChange, Caller } from "../../../store/index.ts";
import { callOf } from "../../rpc/call.ts";
import { NO_ACCOUNTS } from "./host-authority.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { servicesOf } from "./served.ts";

/** No message begins so. */
const GARBAGE = Uint8Array.of(
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
);

const OPEN: ReadonlySet<string> = new Set([
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/etcdserverpb.Auth/AuthStatus",
  "/etcdserverpb.Auth/Authenticate",
]);

const ROOT_ONLY: readonly MethodPath[] = [
  "/etcdserverpb.KV/Compact",
  "/etcdserverpb.Cluster/MemberAdd",
  "/etcdserverpb.Cluster/MemberRemove",
  "/etcdserverpb.Cluster/MemberUpdate",
  "/etcdserverpb.Cluster/MemberPromote",
  "/etcdserverpb.Maintenance/Defragment",
  "/etcdserverpb.Maintenance/Hash",
  "/etcdserverpb.Maintenance/HashKV",
  "/etcdserverpb.Maintenance/Snapshot",
  "/etcdserverpb.Maintenance/MoveLeader",
  "/etcdserverpb.Maintenance/Downgrade",
  ...METHOD_PATHS.filter((path) => path.startsWith("/hansa.v1.Federation/")),
  ...METHOD_PATHS.filter((path) => /\/Auth\/(?:AuthE|AuthD|User(?!Get)|Role(?!Get))/.test(path)),
];

const SETUP: readonly AuthChange[] = [
  { kind: "user-add", user: "root", passwordHash: "h" },
  { kind: "user-grant", user: "root", role: "root" },
  { kind: "user-add", user: "ann", passwordHash: "h" },
];

/** A token is a user's name. */
function accounts(options: { readonly late?: (ready: () => void) => void } = {}): Accounts {
  return {
    ...NO_ACCOUNTS,
    identify: (call, done) => {
      const name = call.header("token");
      const found = (): void =>
        done(
          name === undefined
            ? new KvError("user-empty", "not-applied", "")
            : { now: () => ({ kind: "user", name, authRevision: 99 }) },
        );
      if (options.late === undefined) found();
      else options.late(found);
    },
  };
}

function gatedServices(given: Accounts): { services: ServiceTable; backend: MemoryBackend } {
  const backend = new MemoryBackend();
  for (const change of [...SETUP, { kind: "enable" } as const]) {
    backend.watches.host.run({ kind: "auth", change }, 0, OWN_AUTHORITY);
  }
  return { services: servicesOf(backend, { accounts: given }), backend };
}

function callBy(token: string | undefined, more: Partial<Call> = {}): Call {
  return callOf({
    deadlineAtMs: (performance.now() + 5_000) as MonotonicMs,
    header: (name) => (name === "token" ? token : undefined),
    ...more,
  });
}

class Sink implements StreamSink {
  readonly written: Uint8Array[] = [];
  ended: unknown = "open";
  paused = false;

  write(message: Uint8Array): boolean {
    this.written.push(message);
    return true;
  }

  end(error?: unknown): void {
    this.ended = error;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** The code of what garbage is refused for. */
function refusalOf(services: ServiceTable, path: MethodPath, call: Call): string {
  const method = services[path];
  const codeOf = (result: unknown): string =>
    result instanceof KvError ? result.code : result instanceof Uint8Array ? "answered" : "pending";
  let result: unknown;
  try {
    if (method?.kind === "unary") method.handle(GARBAGE, call, (reply) => (result = reply));
    else if (method?.kind === "stream") {
      const sink = new Sink();
      const source = method.open(sink, call);
      if (sink.ended === "open") source.onMessage(GARBAGE);
      source.onClose();
      result = sink.ended;
    } else return "missing";
  } catch (error) {
    result = error;
  }
  return codeOf(result);
}

describe("while auth is on", () => {
  const { services } = gatedServices(accounts());
  const paths = Object.keys(services) as MethodPath[];

  test("every method but four refuses who is nobody, before it looks at the request", () => {
    const refusals = paths.map((path) => [path, refusalOf(services, path, callBy(undefined))]);
    const open = refusals.filter(([, code]) => code !== "user-empty").map(([path]) => path);
    expect(new Set(open)).toEqual(OPEN);
    expect(paths.length).toBeGreaterThan(45);
  });

  test("what needs root refuses a user, before it looks at the request", () => {
    for (const path of ROOT_ONLY) {
      expect([path, refusalOf(services, path, callBy("ann"))]).toEqual([path, "permission-denied"]);
      expect(refusalOf(services, path, callBy("root"))).not.toBe("permission-denied");
    }
    expect(refusalOf(services, "/etcdserverpb.KV/Put", callBy("ann"))).toBe("invalid-argument");
    expect(refusalOf(services, "/etcdserverpb.KV/Put", callBy("eve"))).toBe("permission-denied");
  });

  test("a forwarded call is whom the member says, and nobody without a word", () => {
    const by = (caller: Caller): string =>
      refusalOf(services, "/etcdserverpb.KV/Range", callBy("root", { forwarded: true, caller }));
    expect(by(NOBODY)).toBe("user-empty");
    expect(by({ kind: "user", name: "ann", authRevision: 1 })).toBe("auth-revision-old");
    expect(by({ kind: "user", name: "ann", authRevision: 99 })).toBe("invalid-argument");
    expect(by(OWN_AUTHORITY)).toBe("invalid-argument");
  });
});

describe("a client that is found out late", () => {
  test("is held up meanwhile, and loses nothing of its stream", () => {
    let ready: () => void = () => undefined;
    const { services } = gatedServices(accounts({ late: (run) => (ready = run) }));
    const method = services["/etcdserverpb.Watch/Watch"];
    if (method?.kind !== "stream") throw new Error("Watch is a stream");
    const sink = new Sink();
    const source = method.open(sink, callBy("root"));
    expect(sink.paused).toBe(true);
    // A WatchCreateRequest of the key "a".
    source.onMessage(Uint8Array.of(0x0a, 0x03, 0x0a, 0x01, 0x61));
    expect(sink.written).toHaveLength(0);
    ready();
    expect(sink.paused).toBe(false);
    expect(sink.written).toHaveLength(1);
    source.onClose();
  });

  test("is refused as late, and nothing it sent is looked at", () => {
    let ready: () => void = () => undefined;
    const { services } = gatedServices(accounts({ late: (run) => (ready = run) }));
    const method = services["/etcdserverpb.Watch/Watch"];
    if (method?.kind !== "stream") throw new Error("Watch is a stream");
    const sink = new Sink();
    const source = method.open(sink, callBy(undefined));
    source.onMessage(GARBAGE);
    ready();
    expect(sink.ended).toMatchObject({ code: "user-empty" });
    source.onClose();
  });
});
