// JSON web tokens: signed statements of who somebody is, in etcd's claims (username, revision, exp). No member
// remembers one; what was verified once is remembered here, for verifying takes longer than a read.
import { createPrivateKey, createPublicKey, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { KvError } from "../base/index.ts";
import type { CallContext, Identity } from "../rpc/index.ts";
import { NAME_BYTES_MAX, NOBODY } from "../store/index.ts";
import type { Caller } from "../store/index.ts";
import type * as JoseModule from "jose";
import type { JwtOptions } from "./jwt-options.ts";
import type { Replica } from "./replica.ts";
import type { TokenProvider } from "./token-provider.ts";

/** Of tokens that were verified: the one not used for longest makes room. */
const KNOWN_MAX = 10_000;
const TOKEN_BYTES_MAX = 8_192;

interface Claims {
  readonly name: string;
  readonly authRevision: number;
  readonly expiresAtMs: number;
}

interface JwtKeys {
  readonly signing: KeyObject | undefined;
  readonly verifying: KeyObject;
}

/** @throws {Error} naming the file that is no such key */
function readJwtKeys(options: JwtOptions): JwtKeys {
  const { method, publicKeyFile, privateKeyFile } = options;
  const read = (file: string, parse: (bytes: Buffer) => KeyObject): KeyObject => {
    try {
      return parse(readFileSync(file));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${file} has no key for ${method}: ${why}`, { cause });
    }
  };
  if (method.startsWith("HS")) {
    const secret = read(privateKeyFile ?? "", createSecretKey);
    return { signing: secret, verifying: secret };
  }
  const signing = privateKeyFile === undefined ? undefined : read(privateKeyFile, createPrivateKey);
  if (publicKeyFile !== undefined) {
    return { signing, verifying: read(publicKeyFile, createPublicKey) };
  }
  if (signing === undefined) throw new Error(`${method} has neither a public nor a private key`);
  return { signing, verifying: createPublicKey(signing) };
}

type Jose = typeof JoseModule;

/** Signs and verifies by the keys of one member. */
export class JwtKeyring {
  readonly #jose: Jose;
  readonly #options: JwtOptions;
  readonly #keys: JwtKeys;

  private constructor(jose: Jose, options: JwtOptions, keys: JwtKeys) {
    this.#jose = jose;
    this.#options = options;
    this.#keys = keys;
  }

  /** Signs and verifies once, so that a key that does not fit its method is found out now. @throws {Error} if so */
  static async open(options: JwtOptions): Promise<JwtKeyring> {
    const keys = readJwtKeys(options);
    const keyring = new JwtKeyring(await import("jose"), options, keys);
    const probe = keys.signing === undefined ? undefined : await keyring.sign("probe", 1);
    if (probe !== undefined && (await keyring.verify(probe)) === undefined) {
      throw new Error(`${options.method}: the public key is not that of the private key`);
    }
    return keyring;
  }

  async sign(username: string, revision: number): Promise<string> {
    const { method, ttlMs } = this.#options;
    const { signing } = this.#keys;
    if (signing === undefined) throw new Error("this member has no private key");
    return new this.#jose.SignJWT({ username, revision })
      .setProtectedHeader({ alg: method, typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime(Math.floor((Date.now() + ttlMs) / 1000))
      .sign(signing);
  }

  /** What it says, if it is good at this moment. */
  async verify(token: string): Promise<Claims | undefined> {
    const options = { algorithms: [this.#options.method], requiredClaims: ["exp"] };
    try {
      const { payload } = await this.#jose.jwtVerify(token, this.#keys.verifying, options);
      const { username, revision, exp } = payload;
      if (typeof username !== "string" || username === "") return undefined;
      if (username.length > NAME_BYTES_MAX || exp === undefined) return undefined;
      if (typeof revision !== "number" || !Number.isSafeInteger(revision)) return undefined;
      return { name: username, authRevision: revision, expiresAtMs: exp * 1000 };
    } catch (cause) {
      if (cause instanceof this.#jose.errors.JOSEError) return undefined;
      throw cause;
    }
  }
}

export class JwtTokens implements TokenProvider {
  readonly #keyring: JwtKeyring;
  readonly #replica: Replica;
  readonly #known = new Map<string, Claims>();

  constructor(keyring: JwtKeyring, replica: Replica) {
    this.#keyring = keyring;
    this.#replica = replica;
  }

  identify(token: string, _: CallContext, done: (found: Identity | KvError) => void): void {
    const known = this.#known.get(token);
    if (known !== undefined) {
      this.#known.delete(token);
      this.#known.set(token, known);
      done(this.#identityOf(known));
    } else if (token.length > TOKEN_BYTES_MAX) {
      done(invalid());
    } else {
      void this.#keyring.verify(token).then((claims) => {
        if (claims !== undefined) this.#remember(token, claims);
        done(claims === undefined ? invalid() : this.#identityOf(claims));
      });
    }
  }

  issue(
    user: string,
    authRevision: number,
    _: CallContext,
    done: (token: string | KvError) => void,
  ): void {
    void this.#keyring.sign(user, authRevision).then(done, (cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      done(new KvError("unavailable", "not-applied", `hansa: no token was signed: ${why}`));
    });
  }

  close(): void {
    this.#known.clear();
  }

  #identityOf(claims: Claims): Identity {
    return { now: () => this.#callerOf(claims) };
  }

  /** One that speaks of a later state than there is was made before a restore, or is met too early. */
  #callerOf({ name, authRevision, expiresAtMs }: Claims): Caller {
    if (Date.now() >= expiresAtMs) return NOBODY;
    if (authRevision > this.#replica.machine.auth.revision) return NOBODY;
    return { kind: "user", name, authRevision };
  }

  #remember(token: string, claims: Claims): void {
    this.#known.set(token, claims);
    if (this.#known.size <= KNOWN_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}

function invalid(): KvError {
  return new KvError("invalid-token", "not-applied", "etcdserver: invalid auth token");
}
