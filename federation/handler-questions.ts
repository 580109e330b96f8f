// What a region's leader has to ask custom handlers, and what it proposes of their answers (federation 8). On write it is
// the winner's origin alone that asks, any region once that is closed: two at once would answer each other without
// end (trap 7). On read every region asks for itself, and writes nothing.
import type { Key } from "../base/index.ts";
import type { FederationChange } from "./change.ts";
import type { Handler } from "./config.ts";
import type { Dot } from "./dot.ts";
import type { KeptRecord } from "./kept-record.ts";
import { isMadeBy, isMadeOf } from "./made-view.ts";
import type { FederationBug } from "./planted.ts";
import type { PrefixRules } from "./prefix-rules.ts";
import { mayDrop, resolutionOf, resolvesHere } from "./settlement.ts";
import type { Settler } from "./settlement.ts";
import type { Siblings } from "./sibling.ts";
import type { Vector } from "./vector.ts";
import { isContested, seenBy } from "./view.ts";
import type { Resolution } from "./view-rules.ts";

export interface HandlerQuestion {
  readonly key: Key;
  readonly handler: Handler;
  /** What it is asked about, by ascending dot. */
  readonly asked: Siblings;
  /** All of the key: the answer is for these alone. */
  readonly siblings: Siblings;
  readonly dots: readonly Dot[];
  /** Of the document under which it is asked. */
  readonly epoch: number;
}

/** The region, as its leader looks. */
export interface HandlerAsker extends Pick<Settler, "self" | "isClosed"> {
  readonly rules: PrefixRules;
  /** Of the document in force. */
  readonly epoch: number;
  /** Every region has it: until then nothing is written, for another may keep what this one drops (decision 49). */
  readonly agrees: boolean;
  readonly planted?: FederationBug;
}

/** Undefined: nothing is to be asked of the key. */
export function handlerQuestion(
  key: Key,
  { siblings, made }: Pick<KeptRecord, "siblings" | "made">,
  { rules, planted, epoch, agrees, ...settler }: HandlerAsker,
): HandlerQuestion | undefined {
  const handler = rules.handlerOf(key);
  if (handler === undefined) return undefined;
  const view = rules.viewOf(key);
  const asked = seenBy(view, siblings);
  if (handler.runs === "on-read") {
    const isAnswered = made !== undefined && isMadeBy(view, made) && isMadeOf(made, asked);
    if (isAnswered || !isContested(asked)) return undefined;
  } else if (!agrees || !resolvesHere(view, key, siblings, settler, planted)) {
    return undefined;
  }
  return { key, handler, asked, siblings, dots: siblings.map(({ dot }) => dot), epoch };
}

/** Whether the answer is to keep one of them, and some region may lack another: they stay until none does. */
export function waitsForAll(
  { key, handler, siblings }: HandlerQuestion,
  resolution: Resolution,
  stable: Vector,
  planted?: FederationBug,
): boolean {
  if (handler.runs === "on-read") return false;
  const operation = resolutionOf(key, siblings, resolution);
  return operation !== undefined && !mayDrop(operation, siblings, stable, planted);
}

/** `stable`: applied by every member. Undefined: the siblings stay as they are. */
export function handledChange(
  { key, handler, asked, dots, epoch }: HandlerQuestion,
  resolution: Resolution,
  stable: Vector,
): FederationChange | undefined {
  if (resolution.action === "keep") return undefined;
  if (handler.runs === "on-write") {
    return { change: "resolve", epoch, stable, key, dots, resolution };
  }
  const view = { handler: handler.hash, dots: asked.map(({ dot }) => dot), resolution };
  return { change: "show", key, view };
}
