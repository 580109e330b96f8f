// Which releases of Node this program runs on. Signed tokens come by a package that is an ECMAScript module alone
// (jose), and require() takes such from 20.19 and 22.12 on.

/** As in package.json; a test compares. */
export const NODE_RANGE = "^20.19.0 || >=22.12.0";

/** Why this release of Node will not do; undefined: it will. */
export function nodeRefusal(version: string): string | undefined {
  if (NODE_RANGE.split(" || ").some((part) => isWithin(version, part))) return undefined;
  return `Node ${NODE_RANGE} is needed; this is ${version}`;
}

/** `^` holds the first number; `>=` holds none. */
function isWithin(version: string, part: string): boolean {
  const [major = 0, minor = 0, patch = 0] = numbersIn(version);
  const [leastMajor = 0, leastMinor = 0, leastPatch = 0] = numbersIn(part);
  if (major !== leastMajor) return major > leastMajor && part.startsWith(">=");
  return minor > leastMinor || (minor === leastMinor && patch >= leastPatch);
}

function numbersIn(text: string): number[] {
  return (/\d+\.\d+\.\d+/.exec(text)?.[0] ?? "").split(".").map(Number);
}
