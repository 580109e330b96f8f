// The document before the first: no region, and nothing said of any prefix. Documents are made from it.
import type { FederationConfig, Identity } from "./config.ts";
import { originId } from "./dot.ts";

export const CONFIG_OF_NOBODY: FederationConfig = {
  federationId: "" as Identity,
  epoch: 0,
  originNext: originId(1),
  members: [],
  closed: [],
  paused: [],
  policies: [],
  handlers: [],
  placements: [],
  homes: [],
  topology: { shape: "mesh" },
};
