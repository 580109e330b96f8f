// The state machine's part of a federation, which every member has whatever it was started with: members of a region
// that were given different options must never come to different states. Without a configuration it holds no prefix.
import { hash } from "node:crypto";
import { RegionState } from "../federation/index.ts";
import type { Hash } from "../federation/index.ts";
import type { FederatedStore, MachineOptions } from "../store/index.ts";

export const sha256: Hash = (bytes) => hash("sha256", bytes, "buffer");

export const MACHINE_FEDERATION: Required<Pick<MachineOptions, "createFederation">> = {
  createFederation: (store: FederatedStore) => new RegionState(store, { hash: sha256 }),
};
