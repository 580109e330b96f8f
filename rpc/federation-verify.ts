// hansa.v1.Federation/Verify: asked of any member, done by its region's leader, which alone speaks with its neighbours.
import { KvError, bytesOf } from "../base/index.ts";
import { regionOf } from "../federation/index.ts";
import type { OriginId } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { decoded } from "./decode.ts";
import type { Verified, Verifier } from "./federation-desk.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { ForwardToLeader, ServiceTable } from "./service.ts";

const wire = hansa.v1;
const VERIFY: ForwardedPath = "/hansa.v1.Federation/Verify";

/** `verifier` absent: this member's region is in no federation. */
export function verifyTable(
  verifier: Verifier | undefined,
  forwardToLeader: ForwardToLeader,
): ServiceTable {
  return {
    [VERIFY]: unary((bytes, call, reply) => {
      const { source, check_only: checkOnly } = decoded(bytes, (reader) =>
        wire.FederationVerifyRequest.decode(reader),
      );
      if (verifier === undefined) {
        const why = "this region is in no federation";
        throw new KvError("federation-refused", "not-applied", why);
      }
      if (!call.forwarded && forwardToLeader(VERIFY, bytes, call, reply)) return;
      verifier.verify({ source, repairs: !checkOnly }, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        const { header, value } = answer;
        reply(wire.FederationVerifyResponse.encode(shapeOf(value), headed(header)).finish(true));
      });
    }),
  };
}

function shapeOf(verified: Verified): hansa.v1.IFederationVerifyResponse {
  const { config, self, report, scrubbed } = verified;
  const name = (origin: OriginId): string => regionOf(config, origin) ?? String(origin);
  if (report === undefined) return { region: name(self), running: true, scrubbed };
  const neighbours = [...report.neighbours].map(([origin, outcome]) => ({
    region: name(origin),
    outcome,
  }));
  const keys = report.findings.map(({ key, against, outcome, from, why }) => ({
    key: bytesOf(key),
    against: against.map(name),
    outcome,
    from: from === undefined ? "" : name(from),
    why: why ?? "",
  }));
  return { region: name(self), neighbours, keys, more: report.more, scrubbed };
}
