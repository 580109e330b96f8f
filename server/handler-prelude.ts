// What stands before a handler's source in its interpreter: it takes away chance, and carries questions and answers
// over as text. Its own tools are taken before the handler comes, which may change all that it finds.

/** An expression: (resolve, question) => answer, both as handler-question.ts has them. */
export const HANDLER_PRELUDE = `"use strict";
(() => {
  const { parse, stringify } = JSON;
  const { fromCharCode } = String;
  const Bytes = Uint8Array;
  delete Math.random;

  const bytesOf = (raw) => {
    const bytes = new Bytes(raw.length);
    for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
    return bytes;
  };

  const rawOf = (bytes) => {
    let raw = "";
    for (let at = 0; at < bytes.length; at += 1) raw += fromCharCode(bytes[at]);
    return raw;
  };

  const siblingOf = ({ text, raw }) => {
    if (text !== undefined) return { deleted: false, value: text };
    return raw === undefined ? { deleted: true } : { deleted: false, bytes: bytesOf(raw) };
  };

  return (resolve, question) => {
    const { key, siblings } = parse(question);
    const answer = resolve(key, siblings.map(siblingOf));
    if (answer === undefined) return stringify({ action: "keep" });
    if (answer === null) return stringify({ action: "delete" });
    if (typeof answer === "string") return stringify({ action: "value", text: answer });
    if (answer instanceof Bytes) return stringify({ action: "value", raw: rawOf(answer) });
    return stringify({ action: "none", type: typeof answer });
  };
})()`;
