// A server process: its options, and its life from start to exit code.
export { parseConfig } from "./config.ts";
export type { Config, ParsedConfig } from "./config.ts";
export { CertificateFolder, CertificateFolderError } from "./certificate-folder.ts";
export { configHelp } from "./config-help.ts";
export { OPTIONS } from "./config-schema.ts";
export { ExitCode, StartRefusal } from "./exit-code.ts";
export { recoverMember } from "./recover.ts";
export { serve } from "./serve.ts";
export { runServe } from "./serve-command.ts";
export { HANSA_VERSION } from "./version.ts";
export { SnapshotFileError } from "./snapshot-file.ts";
export { restoreSnapshot } from "./snapshot-restore.ts";
export { summarizeSnapshot } from "./snapshot-summary.ts";
export type { SnapshotSummary } from "./snapshot-summary.ts";
export { describeIssue } from "./config-issue.ts";
