// hansa.v1.Ids: numbers that no two regions give out twice (federation 12).
import { KvError } from "../base/index.ts";
import { ID_LIMITS } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { decoded, invalid } from "./decode.ts";
import type { FederatedDesks } from "./federated-desks.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.v1;

export function idsTable({ ids }: FederatedDesks): ServiceTable {
  return {
    "/hansa.v1.Ids/Allocate": unary((bytes, call, reply) => {
      const asked = decoded(bytes, (reader) => wire.AllocateIdsRequest.decode(reader)).count;
      const count = asked === 0 ? 1 : asked;
      const { countMax } = ID_LIMITS;
      if (count > countMax) throw invalid(`${count} ids are asked for, expected 1 to ${countMax}`);
      if (ids === undefined) {
        throw new KvError("federation-refused", "not-applied", "hansa: no ids are given out here");
      }
      ids.allocate(count, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        reply(wire.AllocateIdsResponse.encode(answer.value, headed(answer.header)).finish(true));
      });
    }),
  };
}
