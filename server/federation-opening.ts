// Whether this member takes part in a federation, by its options, and what is then opened. Its state machine has the
// region's part whatever the options are (machine-federation.ts).
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Mulberry32 } from "../base/index.ts";
import { CONFIG_LIMITS, ConfigError, decodeConfig } from "../federation/index.ts";
import type { ConfigNews } from "../federation/index.ts";
import type { PeerDialer } from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { federationRegionOf } from "./config-federation.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { FederatedRegion } from "./federated-region.ts";
import { Federation } from "./federation.ts";
import { sha256 } from "./machine-federation.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import { upkeepSettings } from "./upkeep-settings.ts";

/** Whether this member serves other regions, and pulls from them while it leads. */
function federates({ federationDirectoryEndpoints, federationConfigFile }: Config): boolean {
  return federationDirectoryEndpoints.length > 0 || federationConfigFile !== "";
}

/**
 * The document of --federation-config-file, if there is one.
 *
 * @throws {StartRefusal} badConfiguration, naming the file and what is wrong with it.
 */
export async function federationFileOf({
  federationConfigFile: path,
}: Config): Promise<ConfigNews | undefined> {
  if (path === "") return undefined;
  const refuse = (problem: string, cause: unknown): StartRefusal =>
    new StartRefusal(ExitCode.badConfiguration, `--federation-config-file ${path}: ${problem}`, {
      cause,
    });
  try {
    const document = await readFile(path);
    if (document.length > CONFIG_LIMITS.documentBytesMax) {
      throw refuse(
        `${document.length} bytes; expected at most ${CONFIG_LIMITS.documentBytesMax}`,
        undefined,
      );
    }
    return { epoch: decodeConfig(document).epoch, document };
  } catch (cause) {
    if (cause instanceof StartRefusal) throw cause;
    if (cause instanceof ConfigError) throw refuse(cause.message, cause);
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Of the quota, for tombstones and siblings that wait for regions that are away (federation 10). */
const WAITING_SHARE = 0.1;

export interface FederationOpening {
  readonly config: Config;
  readonly replica: Replica;
  readonly dialer: PeerDialer;
  readonly journal: Journal;
  readonly file: ConfigNews | undefined;
  readonly onBug: (bug: unknown) => void;
}

/** Undefined: the region is in none. It does nothing before it is followed. */
export function openFederation(opening: FederationOpening): Federation | undefined {
  const { config, replica, dialer, journal, file, onBug } = opening;
  if (!federates(config)) return undefined;
  return new Federation({
    ...{ replica, dialer, journal, onBug },
    region: federationRegionOf(config),
    state: new FederatedRegion(() => replica.machine),
    secure: config.listenPeerUrls.some((url) => url.startsWith("https:")),
    waitingBytesMax: WAITING_SHARE * upkeepSettings(config).quotaBytes,
    random: new Mulberry32(randomBytes(4).readUInt32BE()),
    clock: systemClock,
    hash: sha256,
    ...(file === undefined ? {} : { file }),
  });
}
