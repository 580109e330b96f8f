// The wire cannot change unnoticed: every field, enumeration and method is pinned by one hash.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import protobuf from "protobufjs";
import { METHOD_PATHS, streamingOf } from "./index.ts";
import type { Streaming } from "./index.ts";

/** Of every line below. A changed number or type breaks running clients, peers or stored data. */
const SCHEMA_SHA256 = "84f407a403ffee880c2149d26fa6fc76e99cfb05a4601efe93cdcd299a0cbffd";

const folder = import.meta.dirname ?? __dirname;

function loaded(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => (target.startsWith("/") ? target : join(folder, target));
  const files = readdirSync(folder).filter((name) => name.endsWith(".proto"));
  root.loadSync(
    files.map((name) => join(folder, name)),
    { keepCase: true },
  );
  root.resolveAll();
  return root;
}

/** One line a field, enumeration value and method, sorted. */
function schemaLines(root: protobuf.Root): string[] {
  const lines: string[] = [];
  const visit = (object: protobuf.ReflectionObject): void => {
    if (object instanceof protobuf.Type) lines.push(...fieldLines(object));
    if (object instanceof protobuf.Enum) {
      for (const [name, number] of Object.entries(object.values)) {
        lines.push(`${object.fullName} ${number} ${name}`);
      }
    }
    if (object instanceof protobuf.Service) {
      for (const method of object.methodsArray) {
        const { name, requestType, responseType, requestStream, responseStream } = method;
        const sent = requestStream === true ? "stream " : "";
        const answered = responseStream === true ? "stream " : "";
        lines.push(`${object.fullName}/${name} ${sent}${requestType} ${answered}${responseType}`);
      }
    }
    if (object instanceof protobuf.Namespace) object.nestedArray.forEach(visit);
  };
  visit(root);
  return lines.sort();
}

function fieldLines(type: protobuf.Type): string[] {
  return type.fieldsArray.map((field) => {
    const oneof = field.partOf === null ? "" : ` in ${field.partOf.name}`;
    const rule = field.repeated ? "repeated " : "";
    const packed = field.repeated && field.packed ? "packed " : "";
    return `${type.fullName} ${field.id} ${packed}${rule}${field.type} ${field.name}${oneof}`;
  });
}

describe("the wire schema", () => {
  const root = loaded();

  test("is the pinned one", () => {
    const lines = schemaLines(root);
    expect(lines.length).toBeGreaterThan(400);
    expect(createHash("sha256").update(lines.join("\n")).digest("hex")).toBe(SCHEMA_SHA256);
  });

  test("gives every method of methods.ts, and no other", () => {
    const methods = new Map<string, Streaming>();
    const visit = (object: protobuf.ReflectionObject): void => {
      if (object instanceof protobuf.Service) {
        for (const method of object.methodsArray) {
          const path = `/${object.fullName.slice(1)}/${method.name}`;
          const sends = method.requestStream === true;
          const streams = method.responseStream === true;
          methods.set(
            path,
            sends && streams ? "both" : sends ? "client" : streams ? "server" : "unary",
          );
        }
      }
      if (object instanceof protobuf.Namespace) object.nestedArray.forEach(visit);
    };
    visit(root);
    expect(new Map(METHOD_PATHS.map((path) => [path, streamingOf(path)]))).toEqual(methods);
  });

  test("keeps Hansa's additions to etcd's messages above field 1000", () => {
    const etcd = root.lookup("etcdserverpb") as protobuf.Namespace;
    const added = etcd.nestedArray
      .filter((object) => object instanceof protobuf.Type)
      .flatMap((type) => type.fieldsArray)
      .filter((field) => field.type.startsWith("hansa.") || field.name === "region");
    expect(added.length).toBeGreaterThan(0);
    for (const field of added) expect(field.id).toBeGreaterThan(1000);
  });
});
