// `hansa user`, `hansa role` and `hansa auth`, in etcdctl's words: who there is, what they may do, and whether anybody
// is asked who he is.
import type { Command } from "commander";
import { KvError, prefixEnd } from "../client/index.ts";
import type { Answer, Bytes, Client, KeySelector, PermissionKind } from "../client/index.ts";
import { splitUser } from "./auth-flags.ts";
import {
  doneView,
  rangeText,
  roleView,
  rolesView,
  statusView,
  userView,
  usersView,
} from "./auth-view.ts";
import { UsageError } from "./exit-code.ts";
import { keysOf } from "./key-arguments.ts";
import type { KeyOptions } from "./key-arguments.ts";
import { readSecret } from "./secret-input.ts";
import { withSession } from "./session.ts";
import type { Session } from "./session.ts";
import type { Stdio } from "./stdio.ts";

const ROOT = "root";

export function addAuthCommands(program: Command, stdio: Stdio): void {
  addUserCommands(program.command("user").description("who may come"), stdio);
  addRoleCommands(program.command("role").description("what users may do"), stdio);
  addSwitch(program.command("auth").description("whether users are asked for"), stdio);
}

type Body = (session: Session) => Promise<void>;

function addUserCommands(user: Command, stdio: Stdio): void {
  const run = (command: Command, body: Body): Promise<void> =>
    withSession(command, stdio, {}, body);
  user
    .command("add")
    .description("make a user")
    .argument("<name[:password]>", "without a password it is read")
    .option("--no-password", "the user has none, and shows a certificate")
    .option("--new-user-password <password>", "instead of reading it")
    .option("--interactive [on]", "false: the password is the first line of standard input")
    .action(async (given: string, flags: AddFlags, command: Command) => {
      const { name, password } = splitUser(given);
      await run(command, async ({ client, print }) => {
        const options =
          flags.password === false
            ? {}
            : { password: password ?? (await newPassword(name, flags, stdio)) };
        print(doneView(`User ${name} created`, await client.auth.addUser(name, options)));
      });
    });
  user
    .command("passwd")
    .description("give a user another password; what the one before has opened ends")
    .argument("<name>")
    .option("--interactive [on]", "false: the password is the first line of standard input")
    .action(async (name: string, _: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        const password = await readSecret(`Password of ${name}: `, stdio);
        print(doneView("Password updated", await client.auth.changePassword(name, password)));
      });
    });
  user
    .command("delete")
    .description("take a user away")
    .argument("<name>")
    .action(async (name: string, _: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(doneView(`User ${name} deleted`, await client.auth.deleteUser(name)));
      });
    });
  user
    .command("get")
    .description("print a user's roles")
    .argument("<name>")
    .option("--detail", "and what they may do")
    .action(async (name: string, flags: { detail?: boolean }, command: Command) => {
      await run(command, async ({ client, print }) => {
        const answer = await client.auth.user(name);
        if (flags.detail !== true) {
          print(userView(name, answer));
          return;
        }
        stdio.out(`User: ${name}\n`);
        for (const role of answer.roles) {
          stdio.out("\n");
          print(roleView(role, await client.auth.role(role)));
        }
      });
    });
  user
    .command("list")
    .description("print the users")
    .action(async (_: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(usersView(await client.auth.users()));
      });
    });
  addGrants(user, run);
}

function addGrants(user: Command, run: (command: Command, body: Body) => Promise<void>): void {
  user
    .command("grant-role")
    .description("give a user a role")
    .argument("<user>")
    .argument("<role>")
    .action(async (name: string, role: string, _: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        const done = await client.auth.grantRole(name, role);
        print(doneView(`Role ${role} is granted to user ${name}`, done));
      });
    });
  user
    .command("revoke-role")
    .description("take a role from a user")
    .argument("<user>")
    .argument("<role>")
    .action(async (name: string, role: string, _: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        const done = await client.auth.revokeRole(name, role);
        print(doneView(`Role ${role} is revoked from user ${name}`, done));
      });
    });
}

function addRoleCommands(role: Command, stdio: Stdio): void {
  const run = (command: Command, body: Body): Promise<void> =>
    withSession(command, stdio, {}, body);
  const named = (
    name: string,
    description: string,
    body: (client: Client, given: string) => Promise<Parameters<Session["print"]>[0]>,
  ): void => {
    role
      .command(name)
      .description(description)
      .argument("<name>")
      .action(async (given: string, _: object, command: Command) => {
        await run(command, async ({ client, print }) => {
          print(await body(client, given));
        });
      });
  };
  named("add", "make a role", async ({ auth }, name) => {
    return doneView(`Role ${name} created`, await auth.addRole(name));
  });
  named("delete", "take a role away, from all users too", async ({ auth }, name) => {
    return doneView(`Role ${name} deleted`, await auth.deleteRole(name));
  });
  named("get", "print what a role may do", async ({ auth }, name) => {
    return roleView(name, await auth.role(name));
  });
  role
    .command("list")
    .description("print the roles")
    .action(async (_: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(rolesView(await client.auth.roles()));
      });
    });
  addPermissions(role, run);
}

function addPermissions(role: Command, run: (command: Command, body: Body) => Promise<void>): void {
  role
    .command("grant-permission")
    .description("let a role read or write keys")
    .argument("<role>")
    .argument("<kind>", "read, write or readwrite", kindOf)
    .argument("<key>")
    .argument("[range-end]", "keys from <key> to before this")
    .option("--prefix", "every key that begins with <key>")
    .option("--from-key", "every key from <key> on")
    .action(
      async (
        name: string,
        kind: PermissionKind,
        key: string,
        end: string | undefined,
        flags: KeyOptions,
        command: Command,
      ) => {
        const keys = keysOf(key, end, flags);
        await run(command, async ({ client, print }) => {
          const done = await client.auth.grantPermission(name, kind, keys);
          print(doneView(`Role ${name} updated`, done));
        });
      },
    );
  role
    .command("revoke-permission")
    .description("take back what was granted, of the very same range")
    .argument("<role>")
    .argument("<key>")
    .argument("[range-end]")
    .option("--prefix", "every key that begins with <key>")
    .option("--from-key", "every key from <key> on")
    .action(
      async (
        name: string,
        key: string,
        end: string | undefined,
        flags: KeyOptions,
        command: Command,
      ) => {
        const keys = keysOf(key, end, flags);
        await run(command, async ({ client, print }) => {
          const done = await client.auth.revokePermission(name, keys);
          const range = rangeOf(keys);
          const what = range === undefined ? `key ${key}` : `range ${range}`;
          print(doneView(`Permission of ${what} is revoked from role ${name}`, done));
        });
      },
    );
}

function addSwitch(auth: Command, stdio: Stdio): void {
  const run = (command: Command, body: Body): Promise<void> =>
    withSession(command, stdio, {}, body);
  auth
    .command("enable")
    .description("ask everybody who he is; needs the user root")
    .action(async (_: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(doneView("Authentication Enabled", await enabled(client)));
      });
    });
  auth
    .command("disable")
    .description("ask nobody")
    .action(async (_: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(doneView("Authentication Disabled", await client.auth.disable()));
      });
    });
  auth
    .command("status")
    .description("print whether users are asked for, and the auth revision")
    .action(async (_: object, command: Command) => {
      await run(command, async ({ client, print }) => {
        print(statusView(await client.auth.status()));
      });
    });
}

/** As etcdctl does, root gets its role on the way. */
async function enabled({ auth }: Client): Promise<Answer> {
  try {
    return await auth.enable();
  } catch (error) {
    if (!(error instanceof KvError && error.code === "root-role-missing")) throw error;
  }
  await auth.addRole(ROOT).catch((error: unknown) => {
    if (!(error instanceof KvError && error.code === "role-exists")) throw error;
  });
  await auth.grantRole(ROOT, ROOT);
  return auth.enable();
}

interface AddFlags {
  /** commander's: false by --no-password. */
  readonly password?: boolean | string;
  readonly newUserPassword?: string;
}

async function newPassword(name: string, flags: AddFlags, stdio: Stdio): Promise<string> {
  return flags.newUserPassword ?? (await readSecret(`Password of ${name}: `, stdio));
}

function kindOf(text: string): PermissionKind {
  const kind = text.toLowerCase();
  if (kind === "read" || kind === "write" || kind === "readwrite") return kind;
  throw new UsageError(`permission ${text}: expected read, write or readwrite`);
}

/** Undefined: it is one key. */
function rangeOf(keys: KeySelector): string | undefined {
  if (typeof keys === "string" || keys instanceof Uint8Array) return undefined;
  const bytes = (given: Bytes): Uint8Array => Buffer.from(given);
  if ("prefix" in keys) {
    const key = bytes(keys.prefix);
    return rangeText({ key, rangeEnd: prefixEnd(key) });
  }
  const { from, until = "\0" } = keys;
  return rangeText({ key: bytes(from), rangeEnd: bytes(until) });
}
