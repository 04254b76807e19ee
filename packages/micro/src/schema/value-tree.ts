import type { Value } from "../registry/registry.ts";
import type { FieldDescriptor, MessageDescriptor, NamedDescriptor } from "./schema.ts";

/** Levels below the message: its fields, and theirs. The limit also ends messages that contain themselves. */
const levels = 2;

/**
 * What the registry holds of a message, as go-micro extracts it from Go's generated types (`server/extractor.go`):
 * names as in the `.proto` file, types as in Go. A map has no type name there.
 *
 * Members of a oneof are listed like other fields; Go shows one field of an interface type in their place.
 */
export function valueTree(message: MessageDescriptor): Value {
  const name = goName(message);
  return { name, type: name, values: fieldsOf(message, levels) };
}

function fieldsOf(message: MessageDescriptor, depth: number): Value[] {
  if (depth === 0) return [];
  return message.fields.map((field) => ({
    name: field.name,
    type: goType(field),
    values: field.fieldKind === "message" && field.message ? fieldsOf(field.message, depth - 1) : [],
  }));
}

function goType({ fieldKind, scalar, enum: enumeration, message }: FieldDescriptor): string {
  if (fieldKind === "map") return "";
  const named = message ?? enumeration;
  const single = named === undefined ? (goScalars[scalar ?? 0] ?? "") : goName(named);
  if (fieldKind !== "list") return single;
  // The elements of `repeated bytes` are slices, which have no name.
  return single === bytes ? "[]" : `[]${single}`;
}

/** `protoc-gen-go` joins nested names with `_` and capitalises what follows one in the `.proto` file. */
function goName({ name, parent }: NamedDescriptor): string {
  const own = name.replace(/(^|_)([a-z])/g, (_, _before, letter: string) => letter.toUpperCase());
  return parent === undefined ? own : `${goName(parent)}_${own}`;
}

const bytes = "[]uint8";

/** By protobuf's number of the type (`FieldDescriptorProto.Type`). */
const goScalars: Readonly<Record<number, string>> = {
  1: "float64",
  2: "float32",
  3: "int64",
  4: "uint64",
  5: "int32",
  6: "uint64",
  7: "uint32",
  8: "bool",
  9: "string",
  12: bytes,
  13: "uint32",
  15: "int32",
  16: "int64",
  17: "int32",
  18: "int64",
};
