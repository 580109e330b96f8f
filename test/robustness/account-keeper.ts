// Administrators' traffic: users and roles that come and go through the log beside everything else; and at the end
// auth itself, switched on, asked by who may and who may not at every member, and switched off.
import type { Chance } from "../sim/chance.ts";
import { GatewayRefusal, base64 } from "./gateway-caller.ts";
import type { GatewayCaller, Json } from "./gateway-caller.ts";

const CALL_MS_MAX = 3_000;
const NAMES = 4;
const PASSWORD = "a password";

export interface AccountKeeperOptions {
  readonly name: string;
  readonly members: readonly GatewayCaller[];
  readonly chance: Chance;
}

export class AccountKeeper {
  readonly #options: AccountKeeperOptions;
  answered = 0;

  constructor(options: AccountKeeperOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { chance, name, members } = this.#options;
    const own = `${name}-${chance.whole(0, NAMES)}`;
    const [path, body] = chance.pick<readonly [string, Json]>([
      ["/auth/user/add", { name: own, password: PASSWORD }],
      ["/auth/user/delete", { name: own }],
      ["/auth/role/add", { name: own }],
      ["/auth/role/delete", { role: own }],
      ["/auth/user/grant", { user: own, role: own }],
      ["/auth/role/grant", { name: own, perm: { permType: "READWRITE", key: base64(own) } }],
      ["/auth/user/list", {}],
    ]);
    try {
      await chance.pick(members).post(path, body, CALL_MS_MAX);
      this.answered += 1;
    } catch {
      // There is such a user already, or none; or the member did not answer: all of it may happen.
    }
  }
}

/** @returns what was wrong. */
export async function accountViolations(
  members: readonly GatewayCaller[],
): Promise<readonly string[]> {
  const [first] = members;
  if (first === undefined) return ["there is no member"];
  const violations: string[] = [];
  const users = await listed(members, "/auth/user/list", "users");
  const roles = await listed(members, "/auth/role/list", "roles");
  for (const lists of [users, roles]) {
    const [one, ...others] = lists;
    const odd = others.find((other) => other !== one);
    if (odd !== undefined) violations.push(`members list ${one} and ${odd}`);
  }
  await enableAuth(first);
  const { token } = await first.post(
    "/auth/authenticate",
    { name: "root", password: PASSWORD },
    CALL_MS_MAX,
  );
  const put = { key: base64("auth/checked"), value: base64("1") };
  for (const member of members) {
    const name = member.endpoint;
    const refused = await member.post("/kv/put", put, CALL_MS_MAX).then(
      () => false,
      (error: unknown) => error instanceof GatewayRefusal,
    );
    if (!refused) violations.push(`${name} takes a write of nobody's while auth is on`);
    await member.post("/kv/put", put, CALL_MS_MAX, String(token));
  }
  await first.post("/auth/disable", {}, CALL_MS_MAX, String(token));
  return violations;
}

async function enableAuth(member: GatewayCaller): Promise<void> {
  await member.post("/auth/user/add", { name: "root", password: PASSWORD }, CALL_MS_MAX);
  await member.post("/auth/role/add", { name: "root" }, CALL_MS_MAX);
  await member.post("/auth/user/grant", { user: "root", role: "root" }, CALL_MS_MAX);
  await member.post("/auth/enable", {}, CALL_MS_MAX);
}

function listed(
  members: readonly GatewayCaller[],
  path: string,
  field: string,
): Promise<readonly string[]> {
  return Promise.all(
    members.map(async (member) => {
      return JSON.stringify((await member.post(path, {}, CALL_MS_MAX))[field] ?? []);
    }),
  );
}
