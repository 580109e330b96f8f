// Plain data as a text that is equal for equal data.
export function textOf(data: unknown): string {
  return JSON.stringify(data, (_name, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    return value instanceof Uint8Array ? value.join(" ") : value;
  });
}
