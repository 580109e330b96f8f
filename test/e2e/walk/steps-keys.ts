// The walk through keys: put, get, del, txn, compaction, watch, lease, with every flag that they have.
import { until } from "../until.ts";
import { step, wordsOf } from "./step.ts";
import type { Scene, Section } from "./step.ts";
import { WAIT_MS_MAX } from "./world.ts";

const FORMATS = ["simple", "json", "fields", "protobuf", "table"] as const;
/** etcdctl answers in protobuf with ids inside: what is compared is whether it answers. */
const COMPARED = FORMATS.filter((format) => format !== "protobuf");

const PUT_GET_DEL: Section = {
  title: "put, get and del",
  steps: [
    step("put a 1"),
    step("put b", { input: "two\nlines\n" }),
    step("put c -- -dash"),
    step("put -- -d dash"),
    step("put a 2 --prev-kv"),
    step("put a 3 --prev-kv -w json"),
    step("put a 4 --prev-kv -w fields"),
    step("put a --ignore-value"),
    step("put none --ignore-value"),
    step("put a 5 --ignore-lease"),
    step("put a 5 --lease=123456789abcdef"),
    step("put dir/x 30"),
    step("put dir/y 20"),
    step("put dir/z 10"),
    ...COMPARED.map((format) => step(`get a -w ${format}`)),
    step("get a -w protobuf", { differs: { why: "ids inside", ours: /-> 0/ } }),
    step("get a -w xml"),
    step("get dir/ --prefix --hex"),
    step("get dir/x dir/z"),
    step("get dir/y --from-key"),
    step("get dir/y --from-key --prefix"),
    step("get dir/ --prefix --limit=2 -w json"),
    step("get dir/ --prefix --keys-only"),
    step("get dir/ --prefix --print-value-only"),
    step("get dir/ --prefix --order=DESCEND --sort-by=VALUE"),
    step("get dir/ --prefix --order=SIDEWAYS"),
    step("get a --rev=2"),
    step("get a --rev=9999"),
    step("get a --consistency=s"),
    step("get a --consistency=l"),
    step("get a --consistency=x"),
    step("get"),
    step("get a --command-timeout=4s --dial-timeout=3s --keepalive-time=5s --keepalive-timeout=7s"),
    step("get a --debug", { differs: { why: "the addresses it logs", ours: /a\n5\n[^]*-> 0/ } }),
    step("del none"),
    step("del a --prev-kv"),
    step("del dir/x dir/y"),
    step("del dir/ --prefix --prev-kv -w json"),
    step("del b --from-key"),
    step("del"),
    step("get '' --prefix -w json"),
  ],
};

const TXN: Section = {
  title: "txn",
  steps: [
    step("put t 1"),
    step("txn", { input: 'value("t") = "1"\n\nput t 2\nget t\n\nget t\n\n' }),
    step("txn -i", { input: 'mod("t") > "0"\n\nput t 3\n\nput t x\n\n' }),
    step("txn --interactive -w json", { input: 'create("t") = "0"\n\nput t new\n\nget t\n\n' }),
    step("txn -w fields", { input: "\nget t\ndel t --prefix --prev-kv\n\n\n" }),
    step("txn", { input: 'lease("t") = "0"\n\nput t 1\nput t 2\n\n\n' }),
    step("txn", { input: "nonsense\n\n\n\n" }),
    step("get t -w json"),
  ],
};

const COMPACTION: Section = {
  title: "compaction",
  steps: [
    step("put k 1"),
    step("put k 2"),
    step("compaction 5"),
    step("compaction 5"),
    step("compaction 6 --physical"),
    step("compaction 99999"),
    step("compaction x"),
    step("get k --rev=3"),
    step("get k --rev=7 -w json"),
  ],
};

/** A watch from revision `from` until it has printed the last of what is written. */
function watching(title: string, line: string, last: RegExp, input?: string): Scene {
  return {
    lines: [line],
    scene: title,
    play: async (world) => {
      const child = world.start(
        world.filled("{m1}"),
        wordsOf(line).map((word) => world.filled(word)),
      );
      if (input !== undefined) child.write(world.filled(input));
      await child.line(last, WAIT_MS_MAX);
      const told = await world.interrupt(child);
      // How it ends when it is stopped differs from run to run.
      return told.replace(/\n-> .*$/, "");
    },
  };
}

const WATCH: Section = {
  title: "watch",
  steps: [
    step("put from 0 -w json", { capture: { rev: /"revision":(\d+)/ } }),
    step("put w/a 1"),
    step("put w/b 2"),
    step("put w/a 3"),
    step("del w/b"),
    step("put w/c last"),
    watching("a prefix", "watch w/ --prefix --rev={rev}", /^last$/),
    watching("with pairs before", "watch w/ --prefix --rev={rev} --prev-kv", /^last$/),
    watching("a range, as JSON", "watch w/a w/c --rev={rev} -w json", /"mod_revision"/),
    watching("in hexadecimal", "watch w/c --rev={rev} --hex", /x6c.x61/),
    watching(
      "and runs a command for each",
      "watch w/c --rev={rev} -- sh -c 'echo $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE done'",
      /done/,
    ),
    watching("by commands", "watch -i", /^last$/, "watch w/ --prefix --rev={rev}\n"),
    watching("by commands, in words", "watch --interactive", /^3$/, "watch --rev={rev} w/a\n"),
    step("watch w/ --rev=1"),
    step("watch"),
  ],
};

const KEPT = /keepalived with TTL/;

const LEASE: Section = {
  title: "lease",
  steps: [
    step("lease grant 600", { capture: { lease: /lease ([0-9a-f]+) granted/ } }),
    step("lease grant 600 -w json"),
    step("lease grant x"),
    step("put lk1 v --lease={lease}"),
    step("put lk2 v --lease={lease}"),
    step("get lk1 -w json"),
    step("lease timetolive {lease}"),
    step("lease timetolive {lease} --keys"),
    step("lease timetolive {lease} --keys -w json", {
      // A second may pass between the two.
      differs: { why: "remaining time", ours: /"granted-ttl":600,"keys":\["bGsx","bGsy"\]/ },
    }),
    step("lease timetolive 1234"),
    step("lease list", { anyOrder: true }),
    step("lease list -w json", {
      differs: { why: "ids", ours: /"leases":\[\{"id":0\},\{"id":0\}/ },
    }),
    step("lease keep-alive {lease} --once"),
    step("lease keep-alive 1234 --once"),
    {
      lines: ["lease keep-alive {lease}"],
      scene: "a lease is kept alive until it is stopped",
      play: async (world) => {
        const child = world.start(world.filled("{m1}"), [
          ...["lease", "keep-alive", world.filled("{lease}")],
        ]);
        const line = await child.line(KEPT, WAIT_MS_MAX);
        await world.interrupt(child);
        return line;
      },
    },
    step("lease revoke {lease}"),
    step("lease revoke {lease}"),
    step("get lk --prefix"),
    step("lease timetolive {lease}"),
    {
      lines: ["lease grant 2", "put short v --lease=ID"],
      scene: "a lease ends by itself, and its key with it",
      play: async (world) => {
        const granted = await world.ctl(world.filled("{m1}"), ["lease", "grant", "2"]);
        const [, id = ""] = /lease ([0-9a-f]+) granted/.exec(granted.stdout) ?? [];
        await world.ctl(world.filled("{m1}"), ["put", "short", "v", `--lease=${id}`]);
        await until("the key is gone", WAIT_MS_MAX, async () => {
          const { stdout } = await world.ctl(world.filled("{m1}"), ["get", "short"]);
          return stdout === "" ? true : undefined;
        });
        return granted.stdout;
      },
    },
    // Last: it lives for a second or two, and would be in a list or not.
    step("lease grant 0"),
  ],
};

export const KEY_SECTIONS: readonly Section[] = [PUT_GET_DEL, TXN, COMPACTION, WATCH, LEASE];
