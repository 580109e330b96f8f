// The network between regions as a process that is told what to do in lines: "place REGION PORT", "proxy REGION", which
// is answered with its address, "cut REGION" and "heal". It ends with its input: whoever started it may have been killed.
import { createInterface } from "node:readline";
import { WideArea } from "../../examples/federation/wide-area.ts";
import { goFirst } from "./go-first.ts";

async function obey(wan: WideArea, line: string): Promise<void> {
  const [verb, region = "", port] = line.split(" ");
  switch (verb) {
    case "place":
      wan.place(Number(port), region);
      return;
    case "proxy":
      process.stdout.write(`proxy ${region} ${await wan.proxyOf(region)}\n`);
      return;
    case "cut":
      wan.cut(region);
      return;
    case "heal":
      wan.heal();
      return;
    default:
      throw new Error(`expected place, proxy, cut or heal: ${line}`);
  }
}

async function main(delayMs: number): Promise<void> {
  goFirst();
  const wan = new WideArea(delayMs);
  try {
    for await (const line of createInterface({ input: process.stdin })) await obey(wan, line);
  } finally {
    wan.close();
    process.stdin.destroy();
  }
}

main(Number(process.argv[2])).catch((failure: unknown) => {
  process.stderr.write(`${String(failure)}\n`);
  process.exitCode = 1;
});
