import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";

/** By protobuf's number of the type (`FieldDescriptorProto.Type`): int64, uint64, fixed64, sfixed64, sint64. */
const longTypes = new Set<number | undefined>([3, 4, 6, 16, 18]);

/**
 * A message's JSON, with fields as the schema names them, in which numbers of 64 bits are bigints: protobuf's JSON has texts
 * for them, which Go's encoding/json doesn't read.
 */
export function withLongNumbers(message: DescMessage, json: JsonValue): unknown {
  // Those have a JSON of their own.
  if (!isObject(json) || message.typeName.startsWith("google.protobuf.")) return json;
  return mapped(json, (value, name) => {
    const field = message.fields.find((each) => each.name === name);
    return field === undefined ? value : fieldOf(field, value);
  });
}

function fieldOf(field: DescField, json: JsonValue): unknown {
  const single = (value: JsonValue): unknown => {
    if (field.message !== undefined) return withLongNumbers(field.message, value);
    return longTypes.has(field.scalar) && typeof value === "string" ? BigInt(value) : value;
  };
  if (Array.isArray(json)) return json.map(single);
  return field.fieldKind === "map" && isObject(json) ? mapped(json, single) : single(json);
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function mapped(
  json: { [name: string]: JsonValue },
  change: (value: JsonValue, name: string) => unknown,
): object {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, change(value, name)]));
}
