// How much one change of a region's log may hold: what is more is several.

/** Bounds of one change; a bigger one is several. */
export const CHANGE_LIMITS = {
  transactionsMax: 65_536,
  keysMax: 4096,
  dotsMax: 1024,
  valueBytesMax: 16 * 1024 * 1024,
} as const;
