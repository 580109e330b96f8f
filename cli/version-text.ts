// `hansa version`.
import { HANSA_VERSION } from "../server/index.ts";

export function versionText(): string {
  return `hansa ${HANSA_VERSION}\n`;
}
