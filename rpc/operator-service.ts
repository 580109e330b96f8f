// etcdserverpb.Maintenance, what is done to a member or asked of it by an operator: alarms, hashes of its state,
// defragmentation, and the way back to an older release.
import { KvError } from "../base/index.ts";
import type { MonotonicMs, Revision } from "../base/index.ts";
import { clampedNumberOf, etcdserverpb } from "../proto/index.ts";
import type { StateHash } from "../store/index.ts";
import { alarmBytes, readAlarm, writeAlarms } from "./alarm-codec.ts";
import { commandAnswer } from "./answer.ts";
import type { Backend, CallContext, Header } from "./backend.ts";
import { decoded } from "./decode.ts";
import { downgradeRefusal } from "./downgrade.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { Call, Method, ServiceTable } from "./service.ts";

const wire = etcdserverpb;

export function operatorTable(backend: Backend): ServiceTable {
  return {
    "/etcdserverpb.Maintenance/Alarm": alarmMethod(backend),
    "/etcdserverpb.Maintenance/Hash": unary((_, call, reply) => {
      const everything = { revision: 0 as Revision, compactRevision: 0 as Revision };
      backend.maintenance.hash({ ...everything, scope: "whole" }, unhurried(call), (answer) => {
        if (!answer.ok) reply(answer.error);
        else {
          const { hash } = answer.value;
          reply(wire.HashResponse.encode({ hash }, headed(answer.header)).finish(true));
        }
      });
    }),
    "/etcdserverpb.Maintenance/HashKV": unary((bytes, call, reply) => {
      const { revision } = decoded(bytes, (reader) => wire.HashKVRequest.decode(reader));
      const asked = {
        // A negative revision is the present, as in etcd.
        revision: Math.max(0, clampedNumberOf(revision)) as Revision,
        compactRevision: 0 as Revision,
      };
      backend.maintenance.hash({ ...asked, scope: "keys" }, unhurried(call), (answer) => {
        reply(answer.ok ? hashKvBytes(answer.header, answer.value) : answer.error);
      });
    }),
    "/etcdserverpb.Maintenance/Defragment": unary((_, call, reply) => {
      backend.maintenance.defragment(call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else reply(wire.DefragmentResponse.encode({}, headed(answer.header)).finish(true));
      });
    }),
    "/etcdserverpb.Maintenance/Downgrade": unary((bytes, _, reply) => {
      const request = decoded(bytes, (reader) => wire.DowngradeRequest.decode(reader));
      const code = downgradeRefusal(request.action, request.version);
      reply(new KvError(code, "not-applied", ""));
    }),
  };
}

/** A change is a command; a question is answered by the applied state at a linearizable moment. */
function alarmMethod(backend: Backend): Method {
  return unary((bytes, call, reply) => {
    const { action, member, alarm } = decoded(bytes, readAlarm);
    if (action === "get") {
      backend.maintenance.alarms(call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else {
          const asked = answer.value.filter(({ type }) => alarm === "none" || type === alarm);
          const writer = headed(answer.header);
          writeAlarms(writer, asked);
          reply(writer.finish(true));
        }
      });
      return;
    }
    const body = alarmBytes({ action, member, alarm });
    backend.write({ kind: "alarm", action, member, alarm }, body, call, (answer) => {
      reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
    });
  });
}

/** A whole state takes as long as it takes: until its client, which has a deadline of its own, goes. */
function unhurried(call: Call): CallContext {
  const deadlineAtMs = Infinity as MonotonicMs;
  return { deadlineAtMs, signal: call.signal, caller: call.caller };
}

function hashKvBytes(header: Header, { hash, revision, compactRevision }: StateHash): Uint8Array {
  const message = {
    hash,
    // As etcd before the first compaction.
    compact_revision: compactRevision === 0 ? -1 : compactRevision,
    hash_revision: revision,
  };
  return wire.HashKVResponse.encode(message, headed(header)).finish(true);
}
