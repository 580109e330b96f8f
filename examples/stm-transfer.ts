// Money moves between accounts by many hands at once, and none is lost: each transfer is a software transaction,
// run again when another came in between. Run: node dist/examples/stm-transfer.js 127.0.0.1:2379
import { Client, textFrom } from "../client/index.ts";

const ACCOUNTS = ["ada", "bob", "eve"] as const;

async function main(endpoints: string[]): Promise<void> {
  const client = new Client({ endpoints, deadlineMs: 30_000 });
  const bank = client.namespace("examples/bank/");
  try {
    for (const name of ACCOUNTS) await bank.put(name, "100");
    const transfer = (from: string, to: string, amount: number) =>
      bank.stm(
        async (tx) => {
          const [left, right] = (await tx.getAll([from, to])).map((value) =>
            Number(value === undefined ? 0 : textFrom(value)),
          );
          if ((left ?? 0) < amount) throw new Error(`${from} has not ${amount}`);
          tx.put(from, String((left ?? 0) - amount));
          tx.put(to, String((right ?? 0) + amount));
        },
        { attemptsMax: 1_000 },
      );
    const done = await Promise.all(
      ACCOUNTS.flatMap((from, at) => {
        const to = ACCOUNTS[(at + 1) % ACCOUNTS.length] ?? from;
        return [5, 10, 15].map((amount) => transfer(from, to, amount));
      }),
    );
    const { kvs } = await bank.range({ prefix: "" });
    const sum = kvs.reduce((total, kv) => total + Number(kv.text()), 0);
    console.log(`${done.length} transfers, sum ${sum}`);
    console.log(kvs.map((kv) => `${kv.keyText()} ${kv.text()}`).join(", "));
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
