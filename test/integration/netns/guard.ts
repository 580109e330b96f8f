// Holds a bridge and the namespaces around it, and takes them away with every process inside when it is let
// go, or when the process that asked for them is gone, however it ended. It is a process of its own for that,
// and it sees the end of the other by the end of its input.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";

/** $1: the bridge, whose making is the claim on the name; the rest: namespaces, each with a link of its name. */
const SCRIPT = `
trap '' INT TERM HUP
bridge=$1; shift
ip link add "$bridge" type bridge || exit 1
echo held
cat >/dev/null
for namespace in "$@"; do
  [ -e "/run/netns/$namespace" ] || continue
  ip netns pids "$namespace" | xargs -r kill -KILL 2>/dev/null
  ip link del "$namespace"
  ip netns del "$namespace"
done
ip link del "$bridge"
`;

export class Guard {
  /** For `sh -c`, which the guard is. */
  static readonly script = SCRIPT;
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;

  private constructor(script: ChildProcess, ended: Promise<string>) {
    this.#process = script;
    this.#ended = ended;
  }

  /** Makes the bridge. Undefined when another run has one of this name. */
  static async claim(bridge: string, namespaces: readonly string[]): Promise<Guard | undefined> {
    // A session of its own: what a terminal sends to this process's group passes it by.
    const script = spawn("sh", ["-c", SCRIPT, "guard", bridge, ...namespaces], { detached: true });
    let complaints = "";
    script.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaints += chunk));
    const ended = new Promise<string>((resolve, reject) => {
      script.once("error", reject);
      script.once("close", () => resolve(complaints.trim()));
    });
    const held = new Promise<true>((resolve) => script.stdout.once("data", () => resolve(true)));
    const answer = await Promise.race([held, ended]);
    if (answer === true) return new Guard(script, ended);
    if (answer.includes("File exists")) return undefined;
    throw new Error(`the bridge ${bridge} cannot be made: ${answer}`);
  }

  /** @throws {Error} when something could not be taken away. */
  async release(): Promise<void> {
    this.#process.stdin?.end();
    const complaints = await this.#ended;
    if (complaints !== "") throw new Error(`left behind: ${complaints}`);
  }
}
