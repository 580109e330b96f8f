// Tests that need network namespaces: run where they can be made, and skipped with a word where they cannot.
import { describe } from "@jest/globals";
import { INSTALL, REFUSAL } from "./capabilities.ts";

/**
 * `describe` where namespaces can be made. Elsewhere the block is skipped, and one line says why.
 *
 * @throws {Error} when HANSA_TOOLS_REQUIRED is set and only a program is missing; a kernel or a user that may
 *   not make them is no fault of the tree.
 */
export function describeInNamespaces(name: string, body: () => void): void {
  if (REFUSAL === undefined) {
    describe(name, body);
    return;
  }
  if (process.env["HANSA_TOOLS_REQUIRED"] !== undefined && REFUSAL.endsWith(INSTALL)) {
    throw new Error(`"${name}" needs network namespaces: ${REFUSAL}`);
  }
  process.stdout.write(`skipped: "${name}" needs network namespaces: ${REFUSAL}\n`);
  describe.skip(`${name} (no network namespaces here)`, body);
}
