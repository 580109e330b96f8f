// The configuration: precedence among its sources, every mistake at once, and the reference kept true.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { configHelp, configReference } from "./config-help.ts";
import { describeIssue } from "./config-issue.ts";
import { OPTIONS, environmentName } from "./config-schema.ts";
import { parseConfig } from "./config.ts";
import type { Config, ConfigFiles } from "./config.ts";

function files(content: Readonly<Record<string, string>> = {}): ConfigFiles {
  return {
    readText: (name) => {
      const text = content[name];
      if (text === undefined) throw new Error("no such file");
      return text;
    },
    exists: (name) => content[name] !== undefined,
  };
}

function accepted(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  content: Readonly<Record<string, string>> = {},
): Config {
  const parsed = parseConfig(argv, env, files(content));
  if (!parsed.ok) throw new Error(parsed.issues.map(describeIssue).join("\n"));
  return parsed.config;
}

function refused(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  content: Readonly<Record<string, string>> = {},
): string[] {
  const parsed = parseConfig(argv, env, files(content));
  if (parsed.ok) throw new Error("expected issues");
  return parsed.issues.map(describeIssue);
}

describe("defaults", () => {
  test("are etcd's where etcd has the option", () => {
    expect(accepted([])).toMatchObject({
      name: "default",
      dataDir: resolve("default.hansa"),
      logDir: resolve("default.hansa/log"),
      heartbeatIntervalMs: 100,
      electionTimeoutMs: 1000,
      maxTxnOps: 128,
      maxRequestBytes: 1_572_864,
      maxConnections: 10_000,
      maxConcurrentStreams: 4_294_967_295,
      listenClientUrls: ["http://localhost:2379"],
      listenPeerUrls: ["http://localhost:2380"],
      advertiseClientUrls: ["http://localhost:2379"],
      initialAdvertisePeerUrls: ["http://localhost:2380"],
      initialClusterToken: "etcd-cluster",
      preVote: "true",
      consensus: "raft",
      logLevel: "info",
    });
  });

  test("make a cluster of this member alone", () => {
    const { bootstrap } = accepted(["--name", "solo"]);
    expect(bootstrap?.members).toHaveLength(1);
    expect(bootstrap?.self.name).toBe("solo");
    expect(accepted(["--name", "solo"]).dataDir).toBe(resolve("solo.hansa"));
  });

  test("every option's default is accepted when it is given", () => {
    const given = OPTIONS.map((option) => `--${option.flag}=${option.fallback}`);
    expect(accepted(given)).toEqual({ ...accepted([]), namesCluster: true });
  });
});

describe("sources", () => {
  const level = fc.option(fc.constantFrom("debug", "info", "warn", "error"), { nil: undefined });

  test("a flag counts before HANSA_, ETCD_, the file and the default", () => {
    fc.assert(
      fc.property(level, level, level, level, (flag, hansa, etcd, file) => {
        const argv = [
          "--config-file",
          "f.yaml",
          ...(flag === undefined ? [] : ["-log-level", flag]),
        ];
        const env: Record<string, string> = {};
        if (hansa !== undefined) env["HANSA_LOG_LEVEL"] = hansa;
        if (etcd !== undefined) env["ETCD_LOG_LEVEL"] = etcd;
        const yaml = file === undefined ? "" : `log-level: ${file}`;
        expect(accepted(argv, env, { "f.yaml": yaml }).logLevel).toBe(
          flag ?? hansa ?? etcd ?? file ?? "info",
        );
      }),
    );
  });

  test("each option means the same as flag, variable and YAML key", () => {
    for (const { flag, fallback } of OPTIONS) {
      if (fallback === "" || flag === "listen-client-urls") continue;
      const byFlag = accepted([`--${flag}`, fallback]);
      expect(accepted([], { [environmentName("ETCD_", flag)]: fallback })).toEqual(byFlag);
      const yaml = `${flag}: ${JSON.stringify(fallback)}`;
      expect(accepted(["--config-file=c"], {}, { c: yaml })).toEqual(byFlag);
    }
  });

  test("YAML takes numbers, booleans and lists as they are written", () => {
    const yaml = [
      "max-txn-ops: 7",
      "pre-vote: true",
      "initial-learners: [b]",
      "initial-cluster: default=http://localhost:2380,b=http://localhost:2381",
    ].join("\n");
    const config = accepted([], { HANSA_CONFIG_FILE: "c" }, { c: yaml });
    expect(config.maxTxnOps).toBe(7);
    expect(config.bootstrap?.membership.learners).toHaveLength(1);
  });

  test("the last of a repeated flag counts, a boolean needs no value, empty variables are absent", () => {
    const argv = ["--pre-vote", "--max-txn-ops=1", "--max-txn-ops=2"];
    expect(accepted(argv, { HANSA_NAME: "" })).toMatchObject({ maxTxnOps: 2, name: "default" });
  });

  test("etcd's maps of a file and its environment secure the ports", () => {
    const yaml =
      "client-transport-security:\n  cert-file: a.crt\n  key-file: a.key\n  client-cert-auth: true\n  trusted-ca-file: ca";
    const env = { ETCD_PEER_AUTO_TLS: "true" };
    expect(accepted(["--config-file=c"], env, { c: yaml })).toMatchObject({
      certFile: "a.crt",
      keyFile: "a.key",
      clientCertAuth: true,
      trustedCaFile: "ca",
      peerAutoTls: true,
    });
  });

  test("a plain address beside certificates is warned of", () => {
    const parsed = parseConfig(["--auto-tls"], {}, files());
    expect(parsed).toMatchObject({
      ok: true,
      warnings: [
        "http://localhost:2379 of --listen-client-urls is plain although certificates are given: nothing is secured there",
      ],
    });
  });

  test("an unknown ETCD_ variable and a Kubernetes service link are only warned of, as in etcd", () => {
    const env = {
      ETCD_VERSION: "3",
      HANSA_SERVICE_HOST: "10.0.0.1",
      HANSA_PORT_2379_TCP: "tcp://x",
    };
    const parsed = parseConfig([], env, files());
    expect(parsed).toMatchObject({
      ok: true,
      warnings: ["ETCD_VERSION", "HANSA_PORT_2379_TCP", "HANSA_SERVICE_HOST"].map(
        (name) => `unrecognized environment variable ${name} is ignored`,
      ),
    });
  });
});

describe("mistakes", () => {
  test("are all reported at once, each with what was given and what was expected", () => {
    const argv = ["--heartbeat-interval", "abc", "--lisen-peer-urls=x", "--election-timeout=5"];
    const env = { HANSA_MAX_TXN_OPS: "0", HANSA_NAEM: "m1", ETCD_CLIENT_CERT_FILE: "c.crt" };
    const yaml = "log-level: loud\nclient-transport-security:\n  cert-fiel: x\ndata-dri: y";
    expect(refused([...argv, "--config-file=c"], env, { c: yaml })).toEqual([
      '--lisen-peer-urls "x": unknown option; did you mean listen-peer-urls?',
      'ETCD_CLIENT_CERT_FILE "c.crt": the gateway calls the services in this process, and shows no certificate; only empty is accepted',
      'HANSA_NAEM "m1": unknown variable; did you mean HANSA_NAME?',
      "cert-fiel of client-transport-security in c: unknown key; did you mean cert-file?",
      "data-dri in c: unknown key; did you mean data-dir?",
      '--heartbeat-interval "abc": expected a whole number of milliseconds from 1 to 10000',
      '--election-timeout "5": expected a whole number of milliseconds from 10 to 50000',
      'HANSA_MAX_TXN_OPS "0": expected a whole number of operations from 1 to 100000',
      'log-level in c "loud": expected one of debug, info, warn, error, dpanic, panic, fatal',
    ]);
  });

  // What elections rest on has no switch: pre-vote (scenario 5).
  test.each([
    [["foo"], "foo: not a flag; expected --NAME=VALUE"],
    [["--name"], "--name: expected a value"],
    [["--pre-vote=false"], '--pre-vote "false": expected true'],
    [["--quota-backend-bytes=2GiB"], "expected a whole number of bytes"],
    [["--auto-compaction-retention=often"], "expected a duration as 10m or 1h30m, or a whole"],
    [
      ["--auto-compaction-mode=revision", "--auto-compaction-retention=1h"],
      "expected a whole number of revisions",
    ],
    [["--feature-gates=InitialCorruptCheck"], "expected NAME=true or NAME=false of Initial"],
    [["--force-new-cluster"], "stop the member and run `hansa recover`; only false is accepted"],
    [["--proxy=on"], "the v2 proxy is not offered; only off is accepted"],
    [["--discovery=https://discovery.etcd.io/x"], "name the members with --initial-cluster"],
    [
      [
        "--initial-cluster-state=existing",
        "--initial-cluster=default=http://localhost:2380,b=http://h:1",
        "--initial-learners=b",
      ],
      "is for a new cluster",
    ],
    [["--initial-cluster-state=old"], "expected one of new, existing"],
    [["--listen-peer-urls=http://a.example:2380"], "with an IP address or localhost to bind"],
    [["--listen-peer-urls=127.0.0.1:2380"], "each http(s)://host:port"],
    [["--initial-advertise-peer-urls=unix:///tmp/x"], "unix sockets are for clients"],
    [["--listen-peer-urls=http://127.0.0.1:1,https://127.0.0.1:1"], "each address once"],
    [["--listen-peer-urls=https://127.0.0.1:1"], "cannot listen on TLS for https://127.0.0.1:1"],
    [["--cert-file=a.crt"], "needs --key-file too"],
    [["--client-cert-auth"], "needs --trusted-ca-file: without it any public CA's"],
    [["--client-crl-file=a.crl"], "needs --trusted-ca-file: no certificate is asked for"],
    [["--peer-auto-tls", "--peer-trusted-ca-file=ca"], "makes a certificate of no CA"],
    [["--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"], "is older than --tls-min-version"],
    [["--tls-min-version=TLS1.1"], "expected one of TLS1.2, TLS1.3"],
    [["--cipher-suites=TLS_RSA_WITH_RC4_128_SHA"], "cipher suites separated by commas, of TLS_AES"],
    [["--tls-min-version=TLS1.3", "--cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA"], "of TLS 1.3"],
    [["--log-outputs=stderr,,x"], "paths of files, separated by commas"],
    [["--clock-drift-max=0.9"], "expected a fraction from 0 to 0.5"],
    [
      ["--listen-client-urls=http://127.0.0.1:0"],
      "--advertise-client-urls: is required when --listen-client-urls is set explicitly",
    ],
    [
      ["--election-timeout=400"],
      "400 ms should be at least 5 times --heartbeat-interval, which is 100 ms",
    ],
    [["--lease-margin-ms=700"], "a leader's lease is 118 ms; expected at least two heartbeats"],
    [["--wal-dir=default.hansa/"], "expected another directory than --data-dir"],
    [["--inflight-bytes-max=65536"], "expected at least --append-bytes-max, 1048576"],
    [["--log-segment-bytes=2097152"], "expected at most half of --log-segment-bytes, 2097152"],
    [["--config-file=none"], '--config-file "none": cannot be read: no such file'],
  ])("%j is refused", (argv, words) => {
    const issues = refused(argv);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain(words);
  });

  test.each([
    ["- a", "expected a map"],
    ["name: a\nname: b", "unique"],
    ["name: {a: 1}", "expected a scalar or a list of scalars"],
    ["config-file: d", "a configuration file cannot name another"],
    ["name: [", "c: "],
  ])("the file %j is refused", (yaml, words) => {
    expect(refused(["--config-file=c"], {}, { c: yaml }).join("\n")).toContain(words);
  });

  test("etcd's options pass with a value that changes nothing", () => {
    const argv = [
      "--enable-v2=false",
      "--logger=zap",
      "--auto-compaction-retention=",
      "--cert-file=",
    ];
    expect(accepted([...argv, "--strict-reconfig-check"])).toEqual(accepted([]));
  });

  test("etcd's options that nothing is lost by are ignored, and said to be", () => {
    const argv = ["--enable-v2", "--experimental-enable-lease-checkpoint", "--max-wals", "7"];
    const parsed = parseConfig(argv, { ETCD_BACKEND_BATCH_LIMIT: "9" }, files({}));
    expect(parsed.ok && parsed.warnings.map((line) => line.split(":")[0])).toEqual([
      "--enable-v2 is ignored",
      "--experimental-enable-lease-checkpoint is ignored",
      "--max-wals is ignored",
      "ETCD_BACKEND_BATCH_LIMIT is ignored",
    ]);
  });

  test("etcd's experimental names and feature gates mean the plain option", () => {
    const checked = { initialCorruptCheck: true, corruptCheckTimeMs: 14_400_000 };
    const twins = ["--experimental-initial-corrupt-check", "--experimental-corrupt-check-time=4h"];
    expect(accepted(twins)).toMatchObject(checked);
    expect(
      accepted(["--feature-gates=InitialCorruptCheck=true,LeaseCheckpoint=false"]),
    ).toMatchObject({ initialCorruptCheck: true });
    const yaml = "experimental-initial-corrupt-check: true\nexperimental-corrupt-check-time: 4h";
    expect(accepted(["--config-file=c"], {}, { c: yaml })).toMatchObject(checked);
    expect(accepted([], { ETCD_EXPERIMENTAL_MAX_LEARNERS: "3" }).maxLearners).toBe(3);
  });

  test("etcd's levels and outputs of the log are understood", () => {
    for (const level of ["error", "dpanic", "panic", "fatal"]) {
      expect(accepted(["--log-level", level]).logLevel).toBe("error");
    }
    const outputs = accepted(["--log-outputs=systemd/journal,stdout"]).logOutputs;
    expect(outputs).toEqual(["stderr", "stdout"]);
  });

  test("a member that syncs nothing says so loudly (scenario 98)", () => {
    const parsed = parseConfig(["--unsafe-no-fsync"], {}, files({}));
    expect(parsed).toMatchObject({ ok: true, config: { unsafeNoFsync: true } });
    expect(parsed.ok && parsed.warnings.join()).toContain("may lose acknowledged writes");
  });
});

describe("a data directory that has a member", () => {
  const present = { [resolve("d/member")]: "whatever it says" };

  test("makes the initial cluster's mistakes irrelevant, as in etcd", () => {
    const argv = ["--data-dir=d", "--initial-cluster=other=http://h:1"];
    expect(accepted(argv, {}, present).bootstrap).toBeUndefined();
    expect(
      accepted(["--data-dir=d", "--initial-cluster-state=existing"], {}, present),
    ).toMatchObject({
      namesCluster: false,
    });
    expect(refused(argv)).toHaveLength(1);
  });

  test("keeps all other mistakes", () => {
    expect(refused(["--data-dir=d", "--max-txn-ops=x"], {}, present)).toHaveLength(1);
  });
});

describe("what operators read", () => {
  test("docs/configuration.md is the reference that the schema gives", () => {
    const path = join(__dirname, "..", "docs", "configuration.md");
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, configReference());
    expect(readFileSync(path, "utf8")).toBe(configReference());
  });

  test("the help names every option with its default, in lines that fit a terminal", () => {
    const help = configHelp();
    for (const option of OPTIONS) expect(help).toContain(`--${option.flag} '${option.fallback}'\n`);
    expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
