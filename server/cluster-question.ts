// Asks the others who belongs to the cluster, before this member is anything: all at once, the newest answer
// counts. One that does not answer in time may well be there; one that refuses the connection is not.
import { KvError } from "../base/index.ts";
import { askClusterView } from "../rpc/index.ts";
import type { ClusterView, PeerDialer } from "../rpc/index.ts";
import type { Journal } from "./ports.ts";

/** For one answer, and for the cluster as a whole. */
const ANSWER_MS = 1_000;
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;

/** `silent`: nobody answers, but somebody may be there. */
type Word = ClusterView | "nobody" | "silent";

export interface ClusterQuestion {
  /** Peer URLs. */
  readonly urls: readonly string[];
  /** What is worth asking again within the patience: a silence, or that nobody is there too. */
  readonly askAgain: "silent" | "always";
  readonly dialer: PeerDialer;
  readonly journal: Journal;
}

/** Undefined: nobody is there, or nobody said a word for as long as this member has patience. */
export async function clusterViewBy(question: ClusterQuestion): Promise<ClusterView | undefined> {
  const { urls, dialer, askAgain, journal } = question;
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const words = await Promise.all(urls.map((url) => wordOf(dialer, url)));
    const view = newestOf(words);
    if (view !== undefined) return view;
    if (askAgain === "silent" && !words.includes("silent")) return undefined;
    if (performance.now() >= untilMs) return undefined;
    journal.info("waiting for a word of the other members", { urls });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function newestOf(words: readonly Word[]): ClusterView | undefined {
  const views = words.filter((word) => typeof word === "object");
  return views.sort((left, right) => right.membership.index - left.membership.index)[0];
}

async function wordOf(dialer: PeerDialer, url: string): Promise<Word> {
  try {
    return await askClusterView(dialer, url, ANSWER_MS);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return error.code === "deadline-exceeded" ? "silent" : "nobody";
  }
}
