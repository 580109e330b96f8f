// The gate in front of every service: while auth is on, whoever calls is found out, and judged by what the method
// as a whole needs, before a byte of the request is looked at. Keys are judged where they are read and applied.
import { KvError } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Caller } from "../store/index.ts";
import type { Accounts, Identity } from "./accounts.ts";
import type { Authority } from "./backend.ts";
import type {
  Call,
  Method,
  ServiceTable,
  StreamHandler,
  StreamSink,
  StreamSource,
  UnaryHandler,
} from "./service.ts";

/** What a method needs: nothing, any user, or root. */
type Need = "nothing" | "user" | "root";

/** Every other method needs a user: what is not listed is not open. */
const NEEDS: Readonly<Partial<Record<MethodPath, Need>>> = {
  "/grpc.health.v1.Health/Check": "nothing",
  "/grpc.health.v1.Health/Watch": "nothing",
  "/etcdserverpb.Auth/AuthStatus": "nothing",
  "/etcdserverpb.Auth/Authenticate": "nothing",
  "/etcdserverpb.Auth/AuthEnable": "root",
  "/etcdserverpb.Auth/AuthDisable": "root",
  "/etcdserverpb.Auth/UserAdd": "root",
  "/etcdserverpb.Auth/UserList": "root",
  "/etcdserverpb.Auth/UserDelete": "root",
  "/etcdserverpb.Auth/UserChangePassword": "root",
  "/etcdserverpb.Auth/UserGrantRole": "root",
  "/etcdserverpb.Auth/UserRevokeRole": "root",
  "/etcdserverpb.Auth/RoleAdd": "root",
  "/etcdserverpb.Auth/RoleList": "root",
  "/etcdserverpb.Auth/RoleDelete": "root",
  "/etcdserverpb.Auth/RoleGrantPermission": "root",
  "/etcdserverpb.Auth/RoleRevokePermission": "root",
  "/etcdserverpb.KV/Compact": "root",
  "/etcdserverpb.Cluster/MemberAdd": "root",
  "/etcdserverpb.Cluster/MemberRemove": "root",
  "/etcdserverpb.Cluster/MemberUpdate": "root",
  "/etcdserverpb.Cluster/MemberPromote": "root",
  "/etcdserverpb.Maintenance/Defragment": "root",
  "/etcdserverpb.Maintenance/Hash": "root",
  "/etcdserverpb.Maintenance/HashKV": "root",
  "/etcdserverpb.Maintenance/Snapshot": "root",
  "/etcdserverpb.Maintenance/MoveLeader": "root",
  "/etcdserverpb.Maintenance/Downgrade": "root",
  "/hansa.v1.Federation/Change": "root",
  "/hansa.v1.Federation/Status": "root",
  "/hansa.v1.Federation/Verify": "root",
  "/hansa.v1.Salvage/List": "root",
  "/hansa.v1.Salvage/Discard": "root",
};

export interface AuthGateOptions {
  readonly authority: Authority;
  readonly accounts: Pick<Accounts, "identify">;
}

export function gated(table: ServiceTable, options: AuthGateOptions): ServiceTable {
  const gate = new AuthGate(options);
  const methods = (Object.entries(table) as [MethodPath, Method][]).map(([path, method]) => {
    const need = NEEDS[path] ?? "user";
    return [path, need === "nothing" ? method : gate.over(method, need)] as const;
  });
  return Object.fromEntries(methods);
}

type Entered = (call: Call) => void;
type Refused = (why: KvError) => void;

class AuthGate {
  readonly #options: AuthGateOptions;

  constructor(options: AuthGateOptions) {
    this.#options = options;
  }

  over(method: Method, need: Need): Method {
    return method.kind === "unary"
      ? { kind: "unary", handle: this.#unary(method.handle, need) }
      : { kind: "stream", open: this.#stream(method.open, need) };
  }

  #unary(handle: UnaryHandler, need: Need): UnaryHandler {
    const { authority } = this.#options;
    return (request, call, reply) => {
      if (!authority.enabled) {
        handle(request, call, reply);
        return;
      }
      const entered = (known: Call): void => {
        try {
          handle(request, known, reply);
        } catch (cause) {
          if (!(cause instanceof KvError)) throw cause;
          reply(cause);
        }
      };
      this.#enter(call, need, entered, reply);
    };
  }

  #stream(open: StreamHandler, need: Need): StreamHandler {
    const { authority } = this.#options;
    return (sink, call) => {
      if (!authority.enabled) return open(sink, call);
      const anteroom = new Anteroom(sink);
      this.#enter(
        call,
        need,
        (known) => anteroom.enter(() => open(sink, known)),
        (why) => sink.end(why),
      );
      return anteroom.source;
    };
  }

  /** One of the two, once, possibly inside the call. */
  #enter(call: Call, need: Need, entered: Entered, refused: Refused): void {
    const judged = (known: Call): void => {
      const why = this.#refuses(need, known.caller);
      if (why === undefined) entered(known);
      else refused(why);
    };
    // The member that hands it on has found out who it is (peer-forward.ts).
    if (call.forwarded) {
      judged(call);
      return;
    }
    this.#options.accounts.identify(call, (identity) => {
      if (identity instanceof KvError) refused(identity);
      else judged(new KnownCall(call, identity));
    });
  }

  #refuses(need: Need, caller: Caller): KvError | undefined {
    const { authority } = this.#options;
    return need === "root" ? authority.refusesRoot(caller) : authority.refusesUser(caller);
  }
}

/** A call that knows whom it speaks for. */
class KnownCall implements Call {
  readonly #call: Call;
  readonly #identity: Identity;

  constructor(call: Call, identity: Identity) {
    this.#call = call;
    this.#identity = identity;
  }

  get deadlineAtMs(): Call["deadlineAtMs"] {
    return this.#call.deadlineAtMs;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get forwarded(): boolean {
    return this.#call.forwarded;
  }

  get certificateName(): string | undefined {
    return this.#call.certificateName;
  }

  get remoteAddress(): string | undefined {
    return this.#call.remoteAddress;
  }

  get caller(): Caller {
    return this.#identity.now();
  }

  header(name: string): string | undefined {
    return this.#call.header(name);
  }
}

/** Where a stream waits while its client is found out: what it sends meanwhile is held, and it is not read on. */
class Anteroom {
  readonly #sink: StreamSink;
  #inner: StreamSource | undefined;
  #held: ((inner: StreamSource) => void)[] = [];

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  /** The stream itself where nothing had to be waited for. */
  get source(): StreamSource {
    if (this.#inner !== undefined) return this.#inner;
    this.#sink.pause();
    return {
      onMessage: (message) => this.#pass((inner) => inner.onMessage(message)),
      onEnd: () => this.#pass((inner) => inner.onEnd()),
      onDrain: () => this.#pass((inner) => inner.onDrain()),
      onClose: () => {
        this.#held = [];
        this.#inner?.onClose();
      },
    };
  }

  enter(open: () => StreamSource): void {
    try {
      const inner = open();
      this.#inner = inner;
      const held = this.#held;
      this.#held = [];
      for (const pass of held) pass(inner);
      this.#sink.resume();
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      this.#sink.end(cause);
    }
  }

  #pass(pass: (inner: StreamSource) => void): void {
    if (this.#inner === undefined) this.#held.push(pass);
    else pass(this.#inner);
  }
}
