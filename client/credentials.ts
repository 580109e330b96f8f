// User and password of a client, and the token that it got for them: asked for once, shown with every call and
// stream, and asked for again when a member does not take it any more.
import { InterceptingCall, Metadata } from "@grpc/grpc-js";
import type { Interceptor, ServiceError, StatusObject, Client as GrpcClient } from "@grpc/grpc-js";
import { KvError, present } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import {
  ERROR_TRAILER,
  OUTCOME_TRAILER,
  WIRE_STATUS,
  errorCodeOf,
  etcdserverpb,
} from "../proto/index.ts";
import { failureOf } from "./failure.ts";

/** Whom the client calls as. */
export interface AuthOptions {
  readonly username: string;
  readonly password: string;
}

const AUTHENTICATE = "/etcdserverpb.Auth/Authenticate";
const AUTHENTICATE_MS = 5_000;

/** Refusals that another token may mend. */
const STALE: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "invalid-token",
  "auth-revision-old",
  // Auth was off when it was last asked for a token.
  "user-empty",
]);

export function isStale(error: KvError): boolean {
  return STALE.has(error.code);
}

/** Of one client: a token counts at every member. */
export class Credentials {
  readonly #auth: AuthOptions;
  /** undefined: not known; empty: none is needed, for auth is off. */
  #token: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(auth: AuthOptions) {
    this.#auth = auth;
  }

  /** A member did not take it: the next call asks for another. */
  drop(): void {
    this.#token = undefined;
  }

  /** Puts the token on every call of the channel that `grpc` gives. */
  interceptor(grpc: () => GrpcClient, address: string): Interceptor {
    return (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start: (metadata, listener, next) => {
          const begin = (token: string): void => {
            if (token !== "") metadata.set("token", token);
            next(metadata, {
              onReceiveStatus: (status, told) => {
                told(this.#judged(status, token));
              },
            });
          };
          const known = this.#token;
          if (known !== undefined) begin(known);
          else {
            this.#ask(grpc(), address).then(begin, (cause: unknown) => {
              listener.onReceiveStatus(statusOf(cause, address));
            });
          }
        },
      });
  }

  /** A refusal of this token, or for want of one, reads as that of a token: another attempt has another. */
  #judged(status: StatusObject, token: string): StatusObject {
    const { code, details, metadata } = status;
    if (code === 0 || !STALE.has(errorCodeOf(code, details))) return status;
    if (this.#token === token) this.drop();
    metadata.set(ERROR_TRAILER, "invalid-token");
    metadata.set(OUTCOME_TRAILER, "not-applied");
    return status;
  }

  /** One question at a time, whoever waits for it. @throws {KvError} `authentication-failed` */
  #ask(grpc: GrpcClient, address: string): Promise<string> {
    this.#asking ??= this.#authenticate(grpc, address)
      .then((token) => (this.#token = token))
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  #authenticate(grpc: GrpcClient, address: string): Promise<string> {
    const { username, password } = this.#auth;
    const { AuthenticateRequest, AuthenticateResponse } = etcdserverpb;
    return new Promise((resolve, reject) => {
      grpc.makeUnaryRequest(
        AUTHENTICATE,
        (message: etcdserverpb.IAuthenticateRequest) =>
          Buffer.from(AuthenticateRequest.encode(message).finish()),
        (bytes: Buffer) => AuthenticateResponse.decode(bytes),
        { name: username, password },
        new Metadata(),
        // Its own, in the place of the client's: this call goes without a token.
        { deadline: Date.now() + AUTHENTICATE_MS, interceptors: [plain] },
        (error: ServiceError | null, answer?: etcdserverpb.AuthenticateResponse) => {
          if (error === null) {
            resolve(present(answer, "the answer of a call that did not fail").token);
            return;
          }
          const failure = failureOf(error, address);
          if (failure.code === "authentication-off") resolve("");
          else reject(failure);
        },
      );
    });
  }
}

const plain: Interceptor = (options, nextCall) => new InterceptingCall(nextCall(options));

/** As the call's own end: it was not sent. */
function statusOf(cause: unknown, address: string): StatusObject {
  const metadata = new Metadata();
  if (!(cause instanceof KvError)) {
    return { code: WIRE_STATUS.internal.grpc, details: String(cause), metadata };
  }
  metadata.set(ERROR_TRAILER, cause.code);
  metadata.set(OUTCOME_TRAILER, "not-applied");
  // The call's own error names the address again.
  const details = cause.message.replace(` (${address})`, "");
  return { code: WIRE_STATUS[cause.code].grpc, details, metadata };
}
