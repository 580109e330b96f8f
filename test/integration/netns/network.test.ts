// The instrument itself: what a cut drops and what it lets through, and that nothing is left of a network whose
// owner is gone. Datagrams show it, for they are neither repeated nor answered.
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { Child, finish } from "../../e2e/child.ts";
import { until } from "../../e2e/until.ts";
import { describeInNamespaces } from "./in-namespaces.ts";
import { Guard } from "./guard.ts";
import { Network } from "./network.ts";
import { apart, deaf, mute, star } from "./shapes.ts";

const PORT = 7_000;
const WAIT_MS_MAX = 10_000;
const RECEIVER = `
const socket = require("node:dgram").createSocket("udp4", (datagram) => console.log(String(datagram)));
socket.bind(${PORT}, () => console.log("bound"));
`;
/** Arguments: a text and a host, as often as there are datagrams to send. */
const SENDER = `
const socket = require("node:dgram").createSocket("udp4");
const words = process.argv.slice(1);
let left = words.length / 2;
for (let at = 0; at < words.length; at += 2) {
  socket.send(words[at], ${PORT}, words[at + 1], () => (left -= 1) === 0 && socket.close());
}
`;

const NAMES = ["a", "b", "c"];

/** Every way on which a datagram arrives, as "from>at". */
async function waysThrough(network: Network): Promise<string[]> {
  const receivers = NAMES.map((name) => {
    const [command = "", ...args] = network.home(name).launcher;
    return { name, child: new Child(command, [...args, process.execPath, "-e", RECEIVER]) };
  });
  try {
    for (const { child } of receivers) await child.line(/^bound$/, WAIT_MS_MAX);
    for (const from of NAMES) {
      const [command = "", ...args] = network.home(from).launcher;
      const others = NAMES.filter((name) => name !== from);
      const words = others.flatMap((at) => [`${from}>${at}`, network.home(at).host]);
      const sent = await finish(command, [...args, process.execPath, "-e", SENDER, ...words]);
      expect(sent).toMatchObject({ exit: { code: 0 } });
    }
    // From outside, which no rule names: what was sent before it has arrived or never will.
    const last = NAMES.flatMap((name) => ["last", network.home(name).host]);
    await finish(process.execPath, ["-e", SENDER, ...last]);
    for (const { child } of receivers) await child.line(/^last$/, WAIT_MS_MAX);
    return receivers.flatMap(({ child }) => child.output.match(/^.>.$/gm) ?? []).sort();
  } finally {
    for (const { child } of receivers) {
      child.signal("SIGKILL");
      await child.exited;
    }
  }
}

describeInNamespaces("a network of namespaces", () => {
  test("drops exactly the ways that a shape names", async () => {
    const network = await Network.create(NAMES);
    try {
      await network.drop(deaf("a", NAMES));
      expect(await waysThrough(network)).toEqual(["a>b", "a>c", "b>c", "c>b"]);
      await network.drop(apart(["b"], ["c"]));
      expect(await waysThrough(network)).toEqual(["a>b", "a>c"]);
      await network.heal();
      expect(await waysThrough(network)).toHaveLength(6);
    } finally {
      await network.close();
    }
  });

  test("nothing is left when it is let go, processes included", async () => {
    const network = await Network.create(NAMES);
    const [command = "", ...args] = network.home("a").launcher;
    const inside = new Child(command, [...args, process.execPath, "-e", RECEIVER]);
    await inside.line(/^bound$/, WAIT_MS_MAX);
    const namespace = args[2] ?? "";
    expect(existsSync(`/run/netns/${namespace}`)).toBe(true);
    await network.close();
    expect(await inside.exited).toEqual({ signal: "SIGKILL" });
    expect(existsSync(`/run/netns/${namespace}`)).toBe(false);
    expect(readdirSync("/sys/class/net")).not.toContain(namespace);
    expect(readdirSync("/sys/class/net")).not.toContain(namespace.replace("-a", ""));
  });

  test("a claim is one run's, and ends with the process that made it", async () => {
    const bridge = `hansa-t${process.pid % 100_000}`;
    const held = await Guard.claim(bridge, []);
    expect(held).toBeDefined();
    expect(await Guard.claim(bridge, [])).toBeUndefined();
    await held?.release();
    const owner = `
      const { spawn } = require("node:child_process");
      spawn("sh", ["-c", ${JSON.stringify(Guard.script)}, "guard", "${bridge}"], { detached: true })
        .stdout.on("data", () => process.kill(process.pid, "SIGKILL"));`;
    const died = await finish(process.execPath, ["-e", owner]);
    expect(died.exit).toEqual({ signal: "SIGKILL" });
    await until("the bridge of the dead is gone", WAIT_MS_MAX, () =>
      existsSync(`/sys/class/net/${bridge}`) ? undefined : true,
    );
  });

  test.each([
    ["deaf", deaf("a", NAMES), ["b>a", "c>a"]],
    ["mute", mute("a", NAMES), ["a>b", "a>c"]],
    ["apart", apart(["a"], ["b", "c"]), ["a>b", "a>c", "b>a", "c>a"]],
    ["star", star("a", NAMES), ["b>c", "c>b"]],
  ])("the shape %s names its ways", (_, deafness, ways) => {
    expect(deafness.map(({ from, at }) => `${from}>${at}`).sort()).toEqual(ways);
  });
});
