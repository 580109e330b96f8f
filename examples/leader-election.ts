// Two workers of which one leads; a third party follows who it is. The leader stops when it is told that it leads
// no more. Run: node dist/examples/leader-election.js 127.0.0.1:2379
import { Client } from "../client/index.ts";

async function main(endpoints: string[]): Promise<void> {
  const client = new Client({ endpoints });
  try {
    const election = client.election("examples/scheduler", { ttlS: 5 });
    const ada = await election.campaign("ada");
    const bob = election.campaign("bob");
    const following = new AbortController();
    const words: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const leader of election.observe({ signal: following.signal })) {
        words.push(leader.text());
        if (leader.text() === "bob") return;
      }
    };
    const followed = follow();
    await ada.proclaim("ada, at work");
    console.log(`leads: ${(await election.leader())?.text()}`);
    await ada.resign();
    console.log(`ada stopped: ${ada.signal.aborted}`);
    const next = await bob;
    await followed;
    console.log(
      `then: ${words.at(-1)}, with a greater token: ${next.fencingToken > ada.fencingToken}`,
    );
    await next.resign();
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
