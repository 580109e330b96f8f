// The picture of the README: reads a second by mode, protocol and callers, as bars on a logarithmic scale, since
// a single reader and 128 of them are two orders of magnitude apart.
import { shortNumber } from "./table.ts";

export interface Bar {
  /** One group of bars. */
  readonly group: string;
  readonly series: string;
  readonly value: number;
}

const WIDTH = 760;
const LABEL_WIDTH = 90;
const VALUE_WIDTH = 70;
const BAR_HEIGHT = 12;
const GROUP_GAP = 14;
const TOP = 64;
const BOTTOM = 40;
/** Three shades of one colour, then of another. */
const FILLS = ["#9ec5e8", "#4a90c8", "#1d5f91", "#f0c49b", "#d98a3d", "#9a5a18"] as const;

/** A self-contained SVG that is legible on a light and on a dark page. */
export function barChart(title: string, caption: string, bars: readonly Bar[]): string {
  const groups = [...new Set(bars.map(({ group }) => group))];
  const series = [...new Set(bars.map(({ series: name }) => name))];
  const groupHeight = series.length * BAR_HEIGHT + GROUP_GAP;
  const height = TOP + groups.length * groupHeight + BOTTOM;
  const largest = Math.max(1, ...bars.map(({ value }) => value));
  const smallest =
    10 ** Math.floor(Math.log10(Math.min(...bars.map(({ value }) => Math.max(1, value)))));
  const span = Math.log10(largest) - Math.log10(smallest) || 1;
  const plot = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const lengthOf = (value: number): number =>
    Math.max(2, ((Math.log10(Math.max(value, smallest)) - Math.log10(smallest)) / span) * plot);
  const rows = groups.flatMap((group, at) => {
    const top = TOP + at * groupHeight;
    const label = text(LABEL_WIDTH - 8, top + (series.length * BAR_HEIGHT) / 2 + 4, group, "end");
    const drawn = bars
      .filter((bar) => bar.group === group)
      .map((bar) => {
        const row = series.indexOf(bar.series);
        const y = top + row * BAR_HEIGHT;
        const length = lengthOf(bar.value);
        const fill = FILLS[row % FILLS.length] ?? FILLS[0];
        return (
          `<rect x="${LABEL_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${fill}"/>` +
          text(LABEL_WIDTH + length + 5, y + 9, shortNumber(bar.value), "start", 10)
        );
      });
    return [label, ...drawn];
  });
  const legend = series.map((name, at) => {
    const x = LABEL_WIDTH + (at * (WIDTH - LABEL_WIDTH)) / series.length;
    const fill = FILLS[at % FILLS.length] ?? FILLS[0];
    return (
      `<rect x="${x}" y="36" width="10" height="10" fill="${fill}"/>` +
      text(x + 15, 45, name, "start")
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    "<style>text{font-family:system-ui,sans-serif;fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>",
    text(LABEL_WIDTH, 20, title, "start", 15),
    ...legend,
    ...rows,
    text(LABEL_WIDTH, height - 14, caption, "start", 10),
    "</svg>",
    "",
  ].join("\n");
}

function text(x: number, y: number, content: string, anchor: "start" | "end", size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
