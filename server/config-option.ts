// How one option is written down: its type with the facts that flags, help and docs are made from.
import { z } from "zod";
import { onOrOff } from "./config-value.ts";
import type { OptionType } from "./config-value.ts";

export const OPTION_SECTIONS = [
  "Member",
  "Cluster",
  "Consensus",
  "Limits",
  "HTTP",
  "TLS",
  "Auth",
  "Storage",
  "Federation",
  "Logging",
] as const;
export type OptionSection = (typeof OPTION_SECTIONS)[number];

export interface OptionFacts {
  readonly section: OptionSection;
  /** Without the dashes. */
  readonly flag: string;
  /** As text; what the option is when no source gives it. */
  readonly fallback: string;
  readonly meaning: string;
  /** Its flag without a value means true. */
  readonly isToggle?: true;
}

export const facts = z.registry<OptionFacts>();

export function option<T>(
  section: OptionSection,
  flag: string,
  type: OptionType<T>,
  fallback: string,
  meaning: string,
): z.ZodPrefault<OptionType<T>> {
  const field = type.prefault(fallback);
  facts.add(field, { section, flag, fallback, meaning });
  return field;
}

/** An option that is on or off; its flag alone says on. */
export function toggle(
  section: OptionSection,
  flag: string,
  fallback: "true" | "false",
  meaning: string,
): z.ZodPrefault<OptionType<boolean>> {
  const field = onOrOff.prefault(fallback);
  facts.add(field, { section, flag, fallback, meaning, isToggle: true });
  return field;
}
