// Which damage at rest a cluster must survive, and doing it. Bytes of an entry rot where another voter holds
// the same entry whole and it is committed; names are swallowed, by rot or by a write that landed elsewhere,
// only at a member that the others can do without. Neither happens while somebody waits for a snapshot, nor to
// one of two voters. So that an acknowledged write is never lost stays demandable, as in TigerBeetle's atlas.
import type { NodeId } from "../../base/index.ts";
import { sameEpoch, votersOf } from "../../consensus/index.ts";
import type { Entry, Epoch, Membership } from "../../consensus/index.ts";
import { parseWitness, WITNESS_NAME } from "../../store/log-witness.ts";
import { comparePositions } from "../../store/segment-codec.ts";
import { parseSegmentHead } from "../../store/segment-file.ts";
import { FRAME_HEADER_BYTES } from "../../store/segment-frame.ts";
import { SegmentScan, isEntryRecord } from "../../store/segment-scan.ts";
import type { NamedFrame } from "../../store/segment-scan.ts";
import type { Chance } from "./chance.ts";
import type { Devices } from "./devices.ts";
import type { Swarm } from "./swarm.ts";

/** What of a member is struck. */
export interface StruckMachine {
  readonly id: NodeId;
  readonly wiped: boolean;
  readonly stateLost: boolean;
  readonly devices: Devices;
}

export interface DamageAtlasInit {
  readonly swarm: Swarm;
  readonly nodes: () => readonly StruckMachine[];
  readonly config: () => Membership;
  readonly committed: (index: number) => Entry | undefined;
  readonly chance: Chance;
  readonly note: (what: () => string) => void;
}

/** An entry's bytes on one machine's disk. */
interface Held {
  readonly file: string;
  readonly index: number;
  readonly epoch: Epoch;
  readonly from: number;
  readonly until: number;
  readonly whole: boolean;
}

/** A frame that something behind it proves acknowledged. */
interface ProvenFrame {
  readonly file: string;
  readonly frame: NamedFrame;
  readonly scan: SegmentScan;
}

const ROT_BYTES_MAX = 24;

export class DamageAtlas {
  readonly #init: DamageAtlasInit;
  /** Damaged, and not mended yet. */
  readonly #damaged = new Map<NodeId, "entries" | "names">();

  constructor(init: DamageAtlasInit) {
    this.#init = init;
  }

  /** Before it starts: what lies on its disk may have rotted. */
  onStart(node: StruckMachine): void {
    const { chance } = this.#init;
    const { disk } = node.devices;
    const { rotRate, rotMax, namesRate } = disk.faults;
    disk.mayTearHardState = () => this.#damaged.get(node.id) !== "names";
    disk.mayMisdirect = () => this.#mayLoseNames(node) && this.#mark(node, "names");
    if (!chance.hits(rotRate)) return;
    if (chance.hits(namesRate) && this.#mayLoseNames(node)) {
      this.#rotNames(node);
      return;
    }
    const others = [...this.#damaged].filter(([id]) => id !== node.id);
    if (others.some(([, what]) => what === "names") || !this.#canWait(node)) return;
    const strikes = chance.whole(1, rotMax + 1);
    for (let count = 0; count < strikes; count += 1) this.#rotEntry(node);
  }

  /** Its log is whole. */
  onWhole(node: StruckMachine): void {
    this.#damaged.delete(node.id);
  }

  #mark(node: StruckMachine, what: "entries" | "names"): true {
    if (this.#damaged.get(node.id) !== "names") this.#damaged.set(node.id, what);
    return true;
  }

  /** Nobody else is damaged, and the others are a quorum of everything. */
  #mayLoseNames(node: StruckMachine): boolean {
    const { swarm, config } = this.#init;
    const calm = swarm.options.quorums === undefined && config().outgoing === undefined;
    const alone = [...this.#damaged.keys()].every((id) => id === node.id);
    return calm && alone && hardStateIsWhole(node) && this.#canWait(node);
  }

  /** For a snapshot, if its log goes on behind somebody's state. */
  #canWait(node: StruckMachine): boolean {
    const { config, nodes } = this.#init;
    const whole = nodes().every((other) => other === node || !other.stateLost);
    return whole && config().incoming.length >= 3;
  }

  #rotNames(node: StruckMachine): void {
    const { chance, note } = this.#init;
    const frames = provenFrames(node);
    if (frames.length === 0) return;
    const { file, frame } = chance.pick(frames);
    const until = Math.min(frame.until, frame.from + FRAME_HEADER_BYTES);
    note(() => `rot: n${node.id} loses the names of ${file} at ${frame.from}`);
    this.#mark(node, "names");
    this.#rot(node, file, frame.from, until);
  }

  #rotEntry(node: StruckMachine): void {
    const { chance, nodes, config, committed, note } = this.#init;
    const mine = heldBy(node);
    if (mine.size === 0) return;
    const struck = chance.pick([...mine.values()]);
    const chosen = committed(struck.index);
    if (chosen === undefined || !sameEpoch(chosen.epoch, struck.epoch)) return;
    const voters = votersOf(config());
    const elsewhere = nodes().some(
      (other) =>
        other !== node &&
        !other.wiped &&
        voters.includes(other.id) &&
        heldBy(other).get(nameOf(struck))?.whole === true,
    );
    if (!elsewhere || struck.until === struck.from) return;
    note(() => `rot: n${node.id} loses bytes of entry ${struck.index} in ${struck.file}`);
    this.#mark(node, "entries");
    this.#rot(node, struck.file, struck.from, struck.until);
  }

  /** Some bytes of the range become others. */
  #rot(node: StruckMachine, file: string, from: number, until: number): void {
    const { chance } = this.#init;
    const { disk } = node.devices;
    const at = chance.whole(from, until);
    const length = Math.min(until - at, chance.whole(1, ROT_BYTES_MAX));
    const before =
      disk
        .atRest()
        .get(file)
        ?.slice(at, at + length) ?? new Uint8Array();
    disk.rot(
      file,
      at,
      before.map((byte) => byte ^ chance.whole(1, 256)),
    );
  }
}

function hardStateIsWhole(node: StruckMachine): boolean {
  const file = node.devices.disk.atRest().get(WITNESS_NAME);
  return file !== undefined && parseWitness(file)?.slotLost === false;
}

function nameOf({ index, epoch }: Held): string {
  return `${index}.${epoch.config}.${epoch.round}.${epoch.node}`;
}

/** As recovery would prove it: by a later frame, a later segment, or the hard state. */
function provenFrames(node: StruckMachine): ProvenFrame[] {
  const files = node.devices.disk.atRest();
  const reading = parseWitness(files.get(WITNESS_NAME) ?? new Uint8Array());
  // A lost slot and a damaged log together are an operator's (scenario 77).
  if (reading === undefined || reading.slotLost) return [];
  const { salt, durableEnd } = reading.witness;
  const found: ProvenFrame[] = [];
  const segments = [...files].filter(([file]) => file.endsWith(".log"));
  const heads = segments.map(([, bytes]) => parseSegmentHead(bytes)?.head.checkpoint.oldestSegment);
  const oldest = Math.max(1, ...heads.filter((sequence) => sequence !== undefined));
  for (const [file, bytes] of segments) {
    const parsed = parseSegmentHead(bytes);
    if (parsed === undefined || parsed.head.sequence < oldest) continue;
    const { sequence } = parsed.head;
    const scan = new SegmentScan(bytes, { salt, sequence, baseBytes: 0 });
    for (let at = parsed.untilBytes; ;) {
      const frame = scan.namedAt(at);
      if ("reason" in frame) break;
      const followed = !("reason" in scan.namedAt(frame.until));
      const end = { sequence, offsetBytes: frame.until };
      if (followed || comparePositions(end, durableEnd) <= 0) found.push({ file, frame, scan });
      at = frame.until;
    }
  }
  return found;
}

/** By name: where a log that was written anew holds an entry twice, the later place counts. */
function heldBy(machine: StruckMachine): ReadonlyMap<string, Held> {
  const entries = provenFrames(machine).flatMap(entriesOf);
  return new Map(entries.map((held) => [nameOf(held), held]));
}

function entriesOf({ file, frame, scan }: ProvenFrame): Held[] {
  return frame.records.filter(isEntryRecord).map((record) => ({
    file,
    index: record.count,
    epoch: record.epoch,
    from: record.from,
    until: record.until,
    whole: scan.opOf(record) !== undefined,
  }));
}
