// Endpoints as users write them, and the one form in which this library knows an address: `host:port`, with
// `https://` before it where it is secured; `unix:PATH` and `unixs:PATH` for sockets of this machine.

/** Undefined: no endpoint. `secure`: what one without a scheme means. */
export function addressOf(endpoint: string, secure = false): string | undefined {
  const socket = /^(unixs?):(?:\/\/)?([^?#\s]+)$/.exec(endpoint);
  if (socket !== null) return `${socket[1]}:${socket[2]}`;
  const [, scheme = secure ? "https" : "http", rest = ""] =
    /^(?:(https?):\/\/)?(.*)$/.exec(endpoint) ?? [];
  const place = rest.replace(/\/$/, "");
  const parts = /^(?:\[[0-9a-fA-F:.]+\]|[^:/\s[\]]+):(\d{1,5})$/.exec(place);
  if (parts === null || Number(parts[1]) > 0xffff) return undefined;
  return scheme === "https" ? `https://${place}` : place;
}

/** What gRPC calls an address. */
export interface Target {
  readonly target: string;
  readonly secure: boolean;
  /** As a certificate names it: without brackets and port; of a socket `localhost`, as gRPC says. */
  readonly host: string;
}

export function targetOf(address: string): Target {
  const socket = /^(unixs?):(.*)$/.exec(address);
  if (socket !== null) {
    return { target: `unix:${socket[2]}`, secure: socket[1] === "unixs", host: "localhost" };
  }
  const target = address.replace(/^https:\/\//, "");
  const host = target.slice(0, target.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return { target, secure: target !== address, host };
}
