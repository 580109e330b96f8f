// A log and a core that a member runs on, with everything they do noted before it has an effect anywhere.
import type { NodeId } from "../../base/index.ts";
import type { Consensus, Ready } from "../../consensus/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { Log } from "../../store/log.ts";
import type { SnapshotPins } from "./snapshot-pins.ts";
import type { Witness } from "./witness.ts";

export interface WatchedLog {
  readonly node: NodeId;
  readonly witness: Witness;
  /** A write begins; the function is called when it ends. */
  readonly onWrite: () => () => void;
  /** The log names another generation of the state; called before the owner hears of it, and after. */
  readonly onFlip: (generation: number) => void;
  readonly onFlipped: () => void;
}

/** Every reported completion is noted. */
export function watchedLog(
  log: Log,
  { node, witness, onWrite, onFlip, onFlipped }: WatchedLog,
): Log {
  return {
    reader: log.reader,
    write: (batch, done) => {
      const landed = onWrite();
      log.write(batch, (failure) => {
        landed();
        if (failure === undefined) witness.onDurable(node);
        const installed = batch.ops.findLast(({ op }) => op === "install-snapshot");
        if (failure !== undefined || installed?.op !== "install-snapshot") return done(failure);
        onFlip(installed.generation);
        done(failure);
        onFlipped();
      });
    },
    get sizeBytes() {
      return log.sizeBytes;
    },
    newestWithin: (bytes) => log.newestWithin(bytes),
    load: (from, until, done) => log.load(from, until, done),
    close: (done) => log.close(done),
  };
}

export interface WatchedCore {
  readonly node: NodeId;
  readonly witness: Witness;
  readonly pins: SnapshotPins;
  readonly onDrain: () => void;
}

/** Every drain is noted before its effects leave, and every snapshot that is on its way. */
export function watchedCore(
  core: Consensus<ConsensusMessage>,
  { node, witness, pins, onDrain }: WatchedCore,
): Consensus<ConsensusMessage> {
  const drain = core.ready.bind(core);
  core.ready = (): Ready<ConsensusMessage> => {
    const ready = drain();
    const status = core.status();
    onDrain();
    if (ready.write !== undefined) witness.onWrite(node, ready.write);
    if (ready.write?.ops.some(({ op }) => op === "install-snapshot") ?? false) pins.onInstall(node);
    witness.onDrained(node, status);
    for (const { to } of ready.sendSnapshot) pins.onBegun(node, to);
    return ready;
  };
  const sent = core.snapshotSent.bind(core);
  core.snapshotSent = (to, ok, now) => {
    pins.onEnded(node, to, ok);
    sent(to, ok, now);
  };
  return core;
}
