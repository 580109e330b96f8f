// What every command of `hansa federation` that changes something does with its arguments.
import type { Command } from "commander";
import type { FederationCommand } from "../client/index.ts";

/** Sends one command and prints what became of it. */
export type SendChange = (command: Command, change: FederationCommand) => Promise<void>;
