// What a member does with the directory: takes operators' commands, follows the document while it leads, and does its
// region's duties. Nothing of it is there where the options name no directory.
import { encodeChange } from "../federation/index.ts";
import type { ConfigNews } from "../federation/index.ts";
import type {
  Backend,
  FederationDesk as FederationDeskPort,
  Salvaging,
  Verifier,
} from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { federationRegionOf } from "./config-federation.ts";
import type { FederationDirectory } from "./federation-directory.ts";
import { FederationDesk } from "./federation-desk.ts";
import { openDirectory } from "./federation-directory-opening.ts";
import { FederationDuties } from "./federation-duties.ts";
import type { Federation } from "./federation.ts";
import { FederationAttendance } from "./federation-attendance.ts";
import { FederationAudits } from "./federation-audits.ts";
import { FederationHomeLeases } from "./federation-home-leases.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import { SalvageDesk } from "./salvage-desk.ts";

export interface FederationAdministrationInit {
  readonly config: Config;
  /** Absent: the region is in none. */
  readonly federation: Federation | undefined;
  readonly replica: Replica;
  readonly backend: Pick<Backend, "header">;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

export interface FederationAdministration {
  /** Absent: no directory is named. */
  readonly federation?: FederationDeskPort;
  /** Absent: the region is in no federation. */
  readonly verifier?: Verifier;
  readonly salvaging?: Salvaging;
  /** Ends all of it. */
  readonly stop: () => void;
}

/** For the clients' port. */
export type FederationDesks = Omit<FederationAdministration, "stop">;

/** @throws {StartRefusal} badConfiguration naming what cannot be used */
export function administerFederation(init: FederationAdministrationInit): FederationAdministration {
  const { config, federation, replica, backend, journal, onBug } = init;
  const directory = openDirectory(config, journal);
  if (federation === undefined) return { stop: () => undefined };
  const audits = openAudits(init, federation);
  const unaudit = audits.follow();
  const verifier = { verify: audits.answering(() => backend.header()) };
  const { state, reports, handlers } = federation;
  const salvaging = new SalvageDesk({ replica, state, header: () => backend.header() });
  if (directory === undefined) return { verifier, salvaging, stop: unaudit };
  const region = federationRegionOf(config);
  const common = { region, directory, onBug };
  const duties = new FederationDuties({ ...common, replica, state, reports, handlers, journal });
  const desk = new FederationDesk({
    ...common,
    known: () => {
      const logged = state.config;
      return { config: logged.epoch === 0 ? undefined : logged, applied: state.applied };
    },
    draw: (incarnation) => federation.draw(incarnation),
    residentUnder: (prefix) => state.rebirth.residentUnder(prefix),
    header: () => backend.header(),
    now: () => replica.now(),
  });
  const leases = new FederationHomeLeases({
    ...{ ...common, state, journal },
    leads: () => replica.status().role === "leader",
    clock: systemClock,
    clockDriftMax: replica.clockDriftMax,
    ask: (done) => {
      const all = state.config.members.map(({ origin }) => origin);
      federation.pulling?.questions.ask(all, done);
    },
  });
  federation.homes.holdBy(leases);
  const unlease = leases.follow();
  const attendance = new FederationAttendance({
    ...{ directory, onBug, state, journal },
    leads: () => replica.status().role === "leader",
    clock: systemClock,
    ask: (wanted, done) => federation.pulling?.questions.ask(wanted, done),
  });
  const unattend = attendance.follow();
  const unfollow = offerDocuments({ federation, replica, onBug }, directory);
  const rest = duties.follow();
  return {
    verifier,
    salvaging,
    federation: desk,
    stop: () => {
      unaudit();
      unfollow();
      unlease();
      unattend();
      rest();
      directory.close().catch(onBug);
    },
  };
}

function openAudits(
  { replica, journal, onBug }: FederationAdministrationInit,
  federation: Federation,
): FederationAudits {
  return new FederationAudits({
    ...{ journal, onBug, clock: systemClock },
    state: federation.state,
    engine: () => replica.engine,
    pulling: () => federation.pulling,
    propose: (change, done) => {
      submitOwn(replica, { kind: "federation", body: encodeChange(change) }, (result) => {
        done(failureOf(result));
      });
    },
    tally: federation.audits,
  });
}

/** Who does not lead hears of a document from its leader's log; who comes to lead offers what it was told last. */
function offerDocuments(
  {
    federation,
    replica,
    onBug,
  }: Pick<FederationAdministrationInit, "replica" | "onBug"> & { readonly federation: Federation },
  directory: FederationDirectory,
): () => void {
  let latest: ConfigNews | undefined;
  let offering = false;
  const offer = (): void => {
    if (offering || latest === undefined || replica.status().role !== "leader") return;
    if (latest.epoch <= federation.state.config.epoch) return;
    offering = true;
    federation.configure(latest, () => {
      offering = false;
    });
  };
  const unfollow = directory.follow((news) => {
    latest = news;
    offer();
  }, onBug);
  const unwatch = replica.onChange(offer);
  return () => {
    unfollow();
    unwatch();
  };
}
