// The walk through what etcdctl builds of keys, leases and watches: locks, elections, mirrors.
import type { Child } from "../child.ts";
import { until } from "../until.ts";
import { CLIENT } from "./steps-certificates.ts";
import { step } from "./step.ts";
import type { Scene, Section } from "./step.ts";
import { WAIT_MS_MAX } from "./world.ts";
import type { World } from "./world.ts";

/** Waits until so many keys begin with `prefix`: as many contenders stand in line. */
async function keysAre(world: World, prefix: string, count: number): Promise<void> {
  await until(`${count} keys begin with ${prefix}`, WAIT_MS_MAX, async () => {
    const { stdout } = await world.ctl(world.filled("{m1}"), [
      ...["get", prefix, "--prefix", "--keys-only"],
    ]);
    return stdout.split("\n").filter((line) => line !== "").length === count ? true : undefined;
  });
}

/** Two contenders at two members: the first has it, then, when it is stopped, the second. */
function succession(title: string, line: string, of: (who: string) => readonly string[]): Scene {
  return {
    lines: [line],
    scene: title,
    play: async (world) => {
      const holds = (child: Child): Promise<string> => child.line(/^walk-\w+\//, WAIT_MS_MAX);
      const [, name = ""] = of("");
      const first = world.start(world.filled("{m1}"), of("first"));
      await holds(first);
      const second = world.start(world.filled("{m2}"), of("second"));
      await keysAre(world, `${name}/`, 2);
      const firstTold = await world.interrupt(first);
      await holds(second);
      await keysAre(world, `${name}/`, 1);
      const secondTold = await world.interrupt(second);
      await keysAre(world, `${name}/`, 0);
      return `${firstTold}\n${secondTold}`;
    },
  };
}

const LOCK: Section = {
  title: "lock",
  steps: [
    succession("one holds the lock at a time", "lock walk-lock --ttl=30", () => [
      ...["lock", "walk-lock", "--ttl=30"],
    ]),
    step("lock walk-run sh -c 'echo $ETCD_LOCK_KEY; exit 3'"),
    step("lock walk-run echo locked --ttl=15"),
    step("lock"),
    step("get walk- --prefix"),
  ],
};

const ELECT: Section = {
  title: "elect",
  steps: [
    succession("one leads at a time", "elect walk-election who", (who) => [
      ...["elect", "walk-election", who],
    ]),
    {
      lines: ["elect walk-election who", "elect --listen walk-election", "elect -l walk-election"],
      scene: "who listens hears who leads",
      play: async (world) => {
        const leader = world.start(world.filled("{m1}"), ["elect", "walk-election", "me"]);
        await leader.line(/^me$/, WAIT_MS_MAX);
        const listener = world.start(world.filled("{m2}"), ["elect", "-l", "walk-election"]);
        await listener.line(/^me$/, WAIT_MS_MAX);
        const heard = await world.interrupt(listener);
        await world.interrupt(leader);
        await keysAre(world, "walk-election/", 0);
        return heard;
      },
    },
    step("elect"),
  ],
};

/** A mirror runs until the other cluster holds what `expected` says; then the pairs there are told. */
function mirroring(title: string, flags: readonly string[], expected: readonly string[]): Scene {
  return {
    lines: [`make-mirror ${flags.join(" ")} {mirror}`],
    scene: title,
    play: async (world) => {
      const at = world.filled("{m1}");
      const { mirror } = world.plan;
      await world.ctlOfMirror(["del", "", "--prefix"]);
      await world.ctl(at, ["put", "mm/a", "1"]);
      await world.ctl(at, ["put", "mm/gone", "x"]);
      const child = world.start(at, [
        ...["make-mirror", ...flags.map((flag) => world.filled(flag)), mirror],
      ]);
      const pairs = async (): Promise<string> =>
        (await world.ctlOfMirror(["get", "", "--prefix"])).stdout;
      // What was there before comes first; what changes afterwards follows.
      await until("the mirror has begun", WAIT_MS_MAX, async () =>
        (await pairs()).includes("gone") ? true : undefined,
      );
      await world.ctl(at, ["put", "mm/b", "2"]);
      await world.ctl(at, ["del", "mm/gone"]);
      const text = await until("the mirror is equal", WAIT_MS_MAX, async () => {
        const now = await pairs();
        return now === `${expected.join("\n")}\n` ? now : undefined;
      });
      await world.interrupt(child);
      await world.ctl(at, ["del", "mm/", "--prefix"]);
      return text;
    },
  };
}

/** The mirror's CA is not the cluster's. */
const DEST_FLAGS: readonly string[] = [
  "--dest-cacert={mirror-certs}/ca.crt",
  `--dest-cert={mirror-certs}/${CLIENT}.crt`,
  `--dest-key={mirror-certs}/${CLIENT}.key`,
  "--dest-insecure-transport=false",
];

/** `tls`: the mirror is secured. `brief`: its options of prefixes are left out. */
export function mirrorSection({
  tls,
  brief,
}: {
  readonly tls: boolean;
  readonly brief: boolean;
}): Section {
  const dest = tls ? DEST_FLAGS : [];
  const asItIs = mirroring("as it is", ["--prefix=mm/", ...dest], ["mm/a", "1", "mm/b", "2"]);
  const title = "make-mirror";
  if (brief) return { title, steps: [asItIs] };
  return {
    title,
    steps: [
      asItIs,
      mirroring(
        "under another prefix",
        ["--prefix=mm/", "--dest-prefix=copy/", ...dest],
        ["copy/a", "1", "copy/b", "2"],
      ),
      mirroring("at the root", ["--prefix=mm/", "--no-dest-prefix", ...dest], ["a", "1", "b", "2"]),
      step("make-mirror"),
    ],
  };
}

export const COORDINATION_SECTIONS: readonly Section[] = [LOCK, ELECT];
