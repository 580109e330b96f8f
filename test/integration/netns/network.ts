// A network of its own on one machine: a bridge, and around it a network namespace for each name, each with one
// link and one address. Partitions drop packets where they arrive, by their source, so that the sender is told
// nothing; a pulled cable takes a link's carrier. Who asks from outside the namespaces comes over the bridge.
import { finish } from "../../e2e/child.ts";
import type { Home } from "../../e2e/cluster.ts";
import { SHAPING, SHAPING_ARGS } from "./capabilities.ts";
import { Guard } from "./guard.ts";
import type { Deafness } from "./shapes.ts";

/** 198.18.0.0/15 belongs to tests of networks (RFC 2544): each network takes a /24 of it. */
const NETWORKS_MAX = 512;
const RULE_PREFERENCE = 10;
/** The kernel looks a local address up before every other rule, unless that rule is moved. */
const LOCAL_PREFERENCE = 100;

function prefixOf(network: number): string {
  return `198.${18 + Math.floor(network / 256)}.${network % 256}`;
}

/** By `name` in network `network`: the namespace, and its link's end at the bridge (15 characters at most). */
function namespaceOf(network: number, name: string): string {
  return `hansa${network}-${name}`;
}

export class Network {
  readonly #number: number;
  readonly #names: readonly string[];
  readonly #guard: Guard;
  readonly #deaf = new Map<string, Deafness>();
  readonly #unplugged = new Set<string>();
  readonly #shaped = new Set<string>();

  private constructor(network: number, names: readonly string[], guard: Guard) {
    this.#number = network;
    this.#names = names;
    this.#guard = guard;
  }

  /** @throws {Error} when none is free, or the kernel refuses. */
  static async create(names: readonly string[]): Promise<Network> {
    // Runs at the same time start at different places; the claim decides.
    const first = process.pid % NETWORKS_MAX;
    for (let tried = 0; tried < NETWORKS_MAX; tried += 1) {
      const number = (first + tried) % NETWORKS_MAX;
      const namespaces = names.map((name) => namespaceOf(number, name));
      const guard = await Guard.claim(`hansa${number}`, namespaces);
      if (guard === undefined) continue;
      const network = new Network(number, names, guard);
      try {
        await network.#build();
      } catch (cause) {
        await guard.release();
        throw cause;
      }
      return network;
    }
    throw new Error(`all ${NETWORKS_MAX} networks are taken: ip link show type bridge`);
  }

  /** Where `name` lives. */
  home(name: string): Home {
    return {
      host: this.#address(name),
      launcher: ["ip", "netns", "exec", this.#namespace(name)],
    };
  }

  /** Adds these to what is not heard. */
  async drop(deafness: readonly Deafness[]): Promise<void> {
    const added = deafness.filter((each) => !this.#deaf.has(keyOf(each)));
    for (const each of added) this.#deaf.set(keyOf(each), each);
    await this.#changeRules("add", added);
  }

  /** Pulls the cable: the link has no carrier, for members and clients alike. */
  async unplug(name: string): Promise<void> {
    this.#unplugged.add(name);
    await ip([`link set ${this.#namespace(name)} down`]);
  }

  /** Makes the links of these slow and, by `netem` always, by `tbf` when crowded, lossy: both directions. */
  async shape(names: readonly string[]): Promise<void> {
    if (SHAPING === undefined) throw new Error("no discipline of this kernel shapes links");
    const args = `root ${SHAPING_ARGS[SHAPING]}`;
    for (const name of names) {
      this.#shaped.add(name);
      const namespace = this.#namespace(name);
      await tc(`qdisc add dev ${namespace} ${args}`);
      await tc(`-n ${namespace} qdisc add dev eth0 ${args}`);
    }
  }

  /** Everybody hears everybody, every cable is in, every link is fast. */
  async heal(): Promise<void> {
    const [deafness, unplugged, shaped] = [
      [...this.#deaf.values()],
      [...this.#unplugged],
      [...this.#shaped],
    ];
    this.#deaf.clear();
    this.#unplugged.clear();
    this.#shaped.clear();
    await this.#changeRules("del", deafness);
    await ip(unplugged.map((name) => `link set ${this.#namespace(name)} up`));
    for (const name of shaped) {
      await tc(`qdisc del dev ${this.#namespace(name)} root`);
      await tc(`-n ${this.#namespace(name)} qdisc del dev eth0 root`);
    }
  }

  /** Kills what still runs inside, and takes the namespaces and the bridge away. */
  close(): Promise<void> {
    return this.#guard.release();
  }

  async #build(): Promise<void> {
    const bridge = `hansa${this.#number}`;
    await ip([
      `addr add ${prefixOf(this.#number)}.254/24 dev ${bridge}`,
      `link set ${bridge} up`,
      ...this.#names.flatMap((name) => {
        const namespace = this.#namespace(name);
        return [
          `netns add ${namespace}`,
          `link add ${namespace} type veth peer name eth0 netns ${namespace}`,
          `link set ${namespace} master ${bridge} up`,
        ];
      }),
    ]);
    const builds = this.#names.map((name) =>
      ip(
        [
          "link set lo up",
          `addr add ${this.#address(name)}/24 dev eth0`,
          "link set eth0 up",
          `rule add pref ${LOCAL_PREFERENCE} lookup local`,
          "rule del pref 0",
        ],
        this.#namespace(name),
      ),
    );
    await Promise.all(builds);
  }

  async #changeRules(change: "add" | "del", deafness: readonly Deafness[]): Promise<void> {
    const changes = this.#names.map(async (name) => {
      const rules = deafness
        .filter(({ at }) => at === name)
        .map(({ from }) => {
          const source = `from ${this.#address(from)} blackhole`;
          return `rule ${change} pref ${RULE_PREFERENCE} ${source}`;
        });
      await ip(rules, this.#namespace(name));
    });
    await Promise.all(changes);
  }

  #namespace(name: string): string {
    return namespaceOf(this.#number, name);
  }

  #address(name: string): string {
    const at = this.#names.indexOf(name);
    if (at < 0) throw new Error(`no ${name} in this network: ${this.#names.join(", ")}`);
    return `${prefixOf(this.#number)}.${at + 1}`;
  }
}

function keyOf({ from, at }: Deafness): string {
  return `${from}>${at}`;
}

/** Runs a batch of `ip` commands, in a namespace if one is given. @throws {Error} at the first that fails. */
async function ip(commands: readonly string[], namespace?: string): Promise<void> {
  if (commands.length === 0) return;
  const where = namespace === undefined ? [] : ["-n", namespace];
  const input = `${commands.join("\n")}\n`;
  const { exit, stderr } = await finish("ip", [...where, "-batch", "-"], { input });
  if (exit.code !== 0) throw new Error(`ip ${where.join(" ")}:\n${input}${stderr}`);
}

/** @throws {Error} when it fails. */
async function tc(command: string): Promise<void> {
  const { exit, stderr } = await finish("tc", command.split(" "));
  if (exit.code !== 0) throw new Error(`tc ${command}: ${stderr}`);
}
