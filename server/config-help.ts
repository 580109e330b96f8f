// What an operator reads about the options: the help text of `hansa serve`, and docs/configuration.md,
// which a test compares with this.
import { FOREIGN_OPTIONS } from "./config-foreign.ts";
import { OPTION_SECTIONS } from "./config-option.ts";
import { OPTIONS, environmentName } from "./config-schema.ts";
import type { OptionEntry } from "./config-schema.ts";

const HELP_COLUMNS = 100;

/** Help for a terminal: each option with its default and meaning. */
export function configHelp(): string {
  const lines = [
    "Options: --NAME VALUE or --NAME=VALUE; also as HANSA_NAME or ETCD_NAME in the environment,",
    "or NAME: VALUE in the YAML file that --config-file names. The first that is given counts,",
    "in this order.",
  ];
  for (const section of OPTION_SECTIONS) {
    lines.push("", `${section}:`);
    for (const option of optionsOf(section)) {
      lines.push(`  --${option.flag} '${option.fallback}'`);
      lines.push(...wrap(option.meaning, HELP_COLUMNS - 4).map((line) => `    ${line}`));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The reference of every option, in Markdown. */
export function configReference(): string {
  const lines = [
    "# Configuration",
    "",
    "Written by `server/config-help.ts` from `server/config-schema.ts`; a test keeps them equal.",
    "",
    "An option is given as a flag (`--name value`, `--name=value`), as an environment variable",
    "(`HANSA_NAME`, or `ETCD_NAME` as etcd has it; `HANSA_` counts first), or as a key of the YAML file",
    "that `--config-file` (`HANSA_CONFIG_FILE`) names. A flag counts before the environment, the",
    "environment before the file, the file before the default. (etcd ignores flags and environment when",
    "there is a file; here the file only fills what they leave open.) Every mistake is reported at once,",
    "and nothing is touched.",
  ];
  for (const section of OPTION_SECTIONS) {
    lines.push(
      "",
      `## ${section}`,
      "",
      "| Flag | Environment | Default | Meaning |",
      "|---|---|---|---|",
    );
    for (const option of optionsOf(section)) {
      const fallback = option.fallback === "" ? "" : `\`${option.fallback}\``;
      const variable = environmentName("HANSA_", option.flag);
      lines.push(`| \`--${option.flag}\` | \`${variable}\` | ${fallback} | ${option.meaning} |`);
    }
  }
  lines.push("", ...foreignReference(), "", ...exitReference());
  return `${lines.join("\n")}\n`;
}

function foreignReference(): string[] {
  const lines = [
    "## etcd's options that are not offered",
    "",
    "Accepted only with a value that changes nothing here; refused by name otherwise, or, where nothing is",
    "lost by it, ignored with a warning. An option that is called `--experimental-NAME` by some releases of",
    "etcd is taken as `--NAME`, and `--feature-gates` takes etcd's gates.",
    "",
    "| Flag | Accepted | Reason |",
    "|---|---|---|",
  ];
  const byFlag = [...FOREIGN_OPTIONS].sort((left, right) => (left.flag < right.flag ? -1 : 1));
  for (const { flag, accepts, reason, warns } of byFlag) {
    const values = accepts.map((value) => (value === "" ? "empty" : `\`${value}\``));
    const accepted = warns ? "anything, ignored" : values.join(", ");
    lines.push(`| \`--${flag}\` | ${accepted} | ${reason} |`);
  }
  return lines;
}

function exitReference(): string[] {
  return [
    "## Exit codes",
    "",
    "| Code | Meaning |",
    "|---|---|",
    "| 0 | Stopped as asked (`SIGTERM`, `SIGINT`): calls in flight were ended, the state written. |",
    "| 1 | A bug: an assertion or an uncaught error; the log has a dump of the state. |",
    "| 2 | A mistake in flags, environment or file; nothing was touched. |",
    "| 3 | An address cannot be bound; nothing was touched. |",
    "| 4 | The data directory is of another cluster, member or newer format; nothing was touched. |",
    "| 5 | Log, state or member file are damaged beyond what can be rebuilt here. |",
    "| 6 | A disk operation failed; the member stops for good rather than trust the disk. |",
    "| 7 | Another process has the data directory open; nothing was touched. |",
    "| 130, 143 | A second `SIGINT` or `SIGTERM` ended it at once. |",
  ];
}

function optionsOf(section: OptionEntry["section"]): readonly OptionEntry[] {
  return OPTIONS.filter((option) => option.section === section);
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
