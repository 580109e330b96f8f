// Debian's python3-etcd3gw and the live tests that it ships, run as they are against a port of our choice: they know
// only 2379.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finish } from "./child.ts";

const PYTHON = "/usr/bin/python3";
const PACKAGES = "/usr/lib/python3/dist-packages";
const TESTS = `${PACKAGES}/etcd3gw/tests/test_etcd3gw.py`;
const RUN_MS_MAX = 120_000;

/** A plugin of pytest: the port that the package takes by default, and that its tests probe. */
const PLUGIN = `
import os
import urllib3
from etcd3gw.client import Etcd3Client

PORT = int(os.environ["HANSA_PORT"])
init = Etcd3Client.__init__
init.__defaults__ = tuple(PORT if value == 2379 else value for value in init.__defaults__)
request = urllib3.PoolManager.request


def redirected(self, method, url, *args, **kwargs):
    return request(self, method, url.replace(":2379", f":{PORT}"), *args, **kwargs)


urllib3.PoolManager.request = redirected
`;

/** At the same time, for two of them mostly sleep. */
const PARTS = [
  "test_watch_key",
  "test_watch_prefix and not sequential",
  "not test_watch_key and (not test_watch_prefix or sequential)",
] as const;

export interface Etcd3gwResult {
  readonly passed: number;
  /** What pytest says of those that did not pass, or were not run. */
  readonly complaints: string;
}

/** Debian's packages that are not there. */
export function missingForEtcd3gw(): readonly string[] {
  const needed = { "python3-etcd3gw": TESTS, "python3-pytest": `${PACKAGES}/pytest` };
  const more = {
    "python3-oslotest": `${PACKAGES}/oslotest`,
    "python3-testtools": `${PACKAGES}/testtools`,
  };
  return Object.entries({ ...needed, ...more })
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => name);
}

/** Runs all of the live tests against 127.0.0.1:`port`. */
export async function etcd3gwTests(port: number): Promise<Etcd3gwResult> {
  const folder = mkdtempSync(join(tmpdir(), "hansa-etcd3gw-"));
  writeFileSync(join(folder, "hansa_port.py"), PLUGIN);
  const env = { HANSA_PORT: String(port), PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
  try {
    const runs = await Promise.all(
      PARTS.map((part) =>
        finish(
          PYTHON,
          [
            "-m",
            "pytest",
            "-p",
            "hansa_port",
            "-p",
            "no:cacheprovider",
            "-q",
            "-rsfE",
            "-k",
            part,
            TESTS,
          ],
          { env, timeoutMs: RUN_MS_MAX, cwd: folder },
        ),
      ),
    );
    const passed = runs.reduce(
      (sum, { stdout }) => sum + Number(/(\d+) passed/.exec(stdout)?.[1]),
      0,
    );
    const unhappy = runs.filter(({ exit, stdout }) => exit.code !== 0 || /skipped/.test(stdout));
    return { passed, complaints: unhappy.map(({ stdout, stderr }) => stdout + stderr).join("\n") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
