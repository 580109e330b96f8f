// Conflicts that custom handlers answer, on the regions that federation.test.ts has started: written by one region,
// shown by each, and left alone where the handler throws (federation 8; scenarios 26 and 27).
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, op, textFrom, when } from "../../client/index.ts";
import type { Handler, Policy } from "../../federation/index.ts";
import { policy } from "../federation/document.ts";
import { scraped } from "./scrape.ts";
import { until } from "./until.ts";

const DEADLINE_MS = 60_000;
/** Then three other writes are tried: these may have seen each other. */
const ROUND_MS = 2_000;
const STOPPED = /^hansa_federation_handler_stopped\{handler="broken"\} 1$/m;
const REGIONS = ["eu", "us", "ap"] as const;

/** Every word of every sibling, once. */
const UNION = `function resolve(key, siblings) {
  const words = siblings.flatMap(({ value }) => (value === undefined ? [] : value.split("+")));
  return words.length === 0 ? null : [...new Set(words)].sort().join("+");
}`;

export function handlersOfTests(): readonly Handler[] {
  const handler = (name: string, runs: Handler["runs"], source: string): Handler => {
    const hash = createHash("sha256").update(source).digest("hex");
    return { name, hash, source, runs };
  };
  return [
    handler("broken", "on-read", "function resolve() { return missing; }"),
    handler("shown", "on-read", UNION),
    handler("written", "on-write", UNION),
  ];
}

export function policiesOfHandlers(): readonly Policy[] {
  return ["broken", "shown", "written"].map((handler) =>
    policy(`${handler}/`, { policy: "resolver", handler }),
  );
}

/** `endpointOf`: of the regions "eu", "us" and "ap". */
export function describeHandlers(endpointOf: (region: string) => string): void {
  describe("with custom handlers", () => {
    const clients: Client[] = [];
    /** Of keys: each conflict has one of its own. */
    let round = 0;

    beforeAll(() => {
      for (const region of REGIONS) clients.push(new Client({ endpoints: [endpointOf(region)] }));
    });

    afterAll(async () => {
      await Promise.all(clients.map((client) => client.close()));
    });

    /** Three writes that have not seen each other all, as soon as that comes about; what all show then. */
    async function conflict(
      prefix: string,
      isSo: (value: string) => boolean,
    ): Promise<{ readonly key: string; readonly value: string }> {
      return until(`a conflict under ${prefix} is answered`, DEADLINE_MS, async () => {
        const key = `${prefix}${(round += 1)}`;
        await Promise.all(clients.map((client, at) => client.put(key, REGIONS[at] ?? "")));
        return until(`all show the same of ${key}`, ROUND_MS, async () => {
          const answers = await Promise.all(clients.map((client) => client.get(key)));
          const [value = "", ...others] = answers.map(({ kv }) => kv?.text() ?? "");
          const isEverywhere = others.every((other) => other === value);
          return isEverywhere && isSo(value) ? { key, value } : undefined;
        });
      });
    }

    async function siblingsOf(key: string): Promise<readonly (readonly string[])[]> {
      const answers = await Promise.all(
        clients.map((client) => client.get(key, { siblings: true })),
      );
      return answers.map(({ siblings }) =>
        (siblings?.siblings ?? []).map(({ value }) => textFrom(value ?? new Uint8Array(0))),
      );
    }

    test("on write one region writes what the handler makes, and no conflict is left", async () => {
      const { key, value } = await conflict("written/", (made) => made.includes("+"));
      expect(value).toMatch(/^[a-z]{2}(?:\+[a-z]{2}){1,2}$/);
      await until("nothing else is left of it", DEADLINE_MS, async () => {
        const kept = (await siblingsOf(key)).flat();
        return kept.every((sibling) => sibling === value) || undefined;
      });
    });

    test("on read each region shows what the handler makes, and the siblings are kept", async () => {
      const { key, value } = await conflict("shown/", (made) => made.includes("+"));
      for (const kept of await siblingsOf(key)) expect([...kept].sort().join("+")).toBe(value);
      const compared = await clients[0]?.txn({
        if: [when.value(key, "=", value)],
        then: [op.put(key, "settled")],
      });
      expect(compared?.succeeded).toBe(true);
    });

    test("a handler that throws is stopped: the last write is shown, and the siblings are kept", async () => {
      const { key, value } = await conflict("broken/", () => true);
      expect(REGIONS).toContain(value);
      await until("a region says that it is stopped", DEADLINE_MS, async () => {
        await conflict("broken/", () => true);
        const texts = await Promise.all(REGIONS.map((region) => scraped(endpointOf(region))));
        return texts.some((text) => STOPPED.test(text)) || undefined;
      });
      for (const kept of await siblingsOf(key)) expect(kept).toContain(value);
    });
  });
}
