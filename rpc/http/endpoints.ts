// The plain endpoints beside the gateway, as etcd has them: what this is, whether it is well, and its metrics. They
// ask for no token: what they tell is no client's data.
import { Router } from "express";
import type { Request, RequestHandler, Response } from "express";
import type { Ailment, HealthChecks } from "./health-checks.ts";

/** What /metrics answers with. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface EndpointsOptions {
  readonly checks: HealthChecks;
  /** Names of things and their versions; etcd's clients compute with the first two, so they are digits and dots. */
  readonly versions: Readonly<Record<string, string>>;
  /** Undefined while there are none. */
  readonly metrics: () => MetricsText | undefined;
  /** Each time that /health is asked. */
  readonly onHealth: (healthy: boolean) => void;
}

type Check = () => Ailment | Promise<Ailment>;

const PLAIN = "text/plain; charset=utf-8";

export function endpoints(options: EndpointsOptions): Router {
  const { checks, versions, metrics } = options;
  const router = Router({ caseSensitive: true, strict: true });
  const get = (path: string, handle: RequestHandler): void => {
    router.get(path, handle);
    router.all(path, notAllowed("GET, HEAD"));
  };
  get("/version", (_, response) => {
    response.type("application/json").send(JSON.stringify(versions));
  });
  get("/health", (request, response) => health(options, request, response));
  probes(get, "/livez", { serializable_read: () => checks.serializableRead() });
  probes(get, "/readyz", {
    data_corruption: () => (checks.alarms().includes("CORRUPT") ? "alarm CORRUPT" : undefined),
    serializable_read: () => checks.serializableRead(),
    linearizable_read: () => checks.linearizableRead(),
    non_learner: () => checks.voter(),
  });
  get("/metrics", async (_, response) => {
    const port = metrics();
    if (port === undefined) plain(response, 503, "no metrics yet: the server is starting\n");
    else response.set("content-type", port.contentType).send(await port.text());
  });
  router.use(
    ["/debug/pprof", "/debug/vars", "/debug/requests", "/config/local/log"],
    (_, response) => {
      plain(response, 404, `${GO_ONLY}\n`);
    },
  );
  return router;
}

const GO_ONLY =
  "etcd's debug endpoints show the insides of a Go program; this is none: see /metrics, and --log-level";

/** For whoever asks by another method than those a path has. */
export function notAllowed(methods: string): RequestHandler {
  return (_, response) => {
    response.set("allow", methods);
    plain(response, 405, "Method Not Allowed\n");
  };
}

export function plain(response: Response, status: number, text: string): void {
  response.status(status).set({ "content-type": PLAIN, "x-content-type-options": "nosniff" });
  response.send(text);
}

/** etcd's: alarms that are not excluded, then a leader, then a read. */
async function health(
  { checks, onHealth }: EndpointsOptions,
  { query }: Request,
  response: Response,
): Promise<void> {
  const excluded = namesIn(query["exclude"]);
  const isSerializable = query["serializable"] === "true";
  const alarm = checks.alarms().find((name) => !excluded.has(name));
  const reason =
    (alarm === undefined ? undefined : `ALARM ${alarm}`) ??
    (isSerializable ? undefined : checks.leader()) ??
    (await (isSerializable ? checks.serializableRead() : checks.linearizableRead()));
  onHealth(reason === undefined);
  if (reason === undefined) {
    response.set("content-type", PLAIN).send('{"health":"true"}');
    return;
  }
  plain(response, 503, `${JSON.stringify({ health: "false", reason })}\n`);
}

/** A path for all of the checks, and one for each. */
function probes(
  get: (path: string, handle: RequestHandler) => void,
  path: string,
  checks: Readonly<Record<string, Check>>,
): void {
  get(path, async ({ query }, response) => {
    const excluded = namesIn(query["exclude"]);
    const asked = Object.entries(checks).filter(([name]) => !excluded.has(name));
    await answerProbe(asked, query["verbose"] !== undefined, response);
  });
  for (const check of Object.entries(checks)) {
    get(`${path}/${check[0]}`, async ({ query }, response) => {
      await answerProbe([check], query["verbose"] !== undefined, response);
    });
  }
}

async function answerProbe(
  checks: readonly (readonly [string, Check])[],
  isVerbose: boolean,
  response: Response,
): Promise<void> {
  const found = await Promise.all(
    checks.map(async ([name, check]) => ({ name, ailment: await check() })),
  );
  const lines = found.map(({ name, ailment }) => {
    return ailment === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${ailment}\n`;
  });
  const isWell = found.every(({ ailment }) => ailment === undefined);
  if (isWell) plain(response, 200, `${isVerbose ? lines.join("") : ""}ok\n`);
  else plain(response, 503, lines.join(""));
}

function namesIn(value: unknown): ReadonlySet<unknown> {
  return new Set(Array.isArray(value) ? value : [value]);
}
