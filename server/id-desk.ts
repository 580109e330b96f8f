// Blocks of ids for clients, taken through the region's log (federation 12).
import { KvError } from "../base/index.ts";
import { ID_STRIDE, encodeChange } from "../federation/index.ts";
import type { CallContext, Done, Header, IdBlock, Ids } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { Response } from "../store/index.ts";
import type { Replica } from "./replica.ts";

export interface IdDeskInit {
  readonly replica: Pick<Replica, "submit">;
  readonly header: () => Header;
}

export class IdDesk implements Ids {
  readonly #init: IdDeskInit;

  constructor(init: IdDeskInit) {
    this.#init = init;
  }

  /** Whoever is a user may have ids; a block whose answer is lost is lost with it. */
  allocate(count: number, { deadlineAtMs }: CallContext, done: Done<IdBlock>): void {
    const { replica, header } = this.#init;
    replica.submit({
      kind: "federation",
      caller: OWN_AUTHORITY,
      body: encodeChange({ change: "allocate", count }),
      deadlineAtMs,
      done: (result) => {
        if (!result.ok) {
          done(result);
          return;
        }
        const { response } = result;
        if (response.kind === "federation" && response.answer.firstId !== undefined) {
          const value = { first: response.answer.firstId, count, stride: ID_STRIDE };
          done({ ok: true, header: { ...header(), revision: response.revision }, value });
        } else done({ ok: false, error: refusalIn(response) });
      },
    });
  }
}

function refusalIn(response: Response): KvError {
  if (response.kind === "refused") {
    return new KvError(response.code, "not-applied", response.message);
  }
  return new KvError("internal", "unknown", `a block of ids was answered by ${response.kind}`);
}
