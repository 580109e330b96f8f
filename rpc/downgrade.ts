// The way back to an older release, as etcd answers it. There is no older release that could take over what is
// on disk, so that every well-formed target is an invalid one; the answers are etcd's own.
import type { KvErrorCode } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";

const { DowngradeAction } = etcdserverpb.DowngradeRequest;

/** MAJOR.MINOR or MAJOR.MINOR.PATCH with what semver allows behind it, as etcd takes it. */
const VERSION = /^\d+\.\d+(\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)?$/;

/** Why the request is refused. */
export function downgradeRefusal(
  action: number,
  version: string,
): Extract<KvErrorCode, `${string}downgrade${string}` | "unimplemented"> {
  switch (action) {
    case DowngradeAction.VALIDATE:
    case DowngradeAction.ENABLE:
      return VERSION.test(version) ? "downgrade-version-invalid" : "downgrade-version-malformed";
    case DowngradeAction.CANCEL:
      return "no-downgrade";
    default:
      return "unimplemented";
  }
}
