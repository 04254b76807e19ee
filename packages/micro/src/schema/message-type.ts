/**
 * Encodes and decodes the messages of descriptors with `@bufbuild/protobuf`, which is an optional peer: it is
 * imported when a descriptor is first used (docs/decisions/0240-schemas.md).
 */
import type { DescFile, DescMessage, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import type { MessageType } from "../codec/codec.ts";
import { internalServerError } from "../errors.ts";
import { withLongNumbers } from "./long-numbers.ts";
import type { MessageDescriptor } from "./schema.ts";

let protobuf: typeof import("@bufbuild/protobuf") | undefined;
let loading: Promise<void> | undefined;

/**
 * Imports the library. Gives a promise that resolves when message types can be used, and `undefined` when they
 * can already.
 * @throws MicroError 500 with the command that installs it. The next call tries again.
 */
export function loadProtobuf(): Promise<void> | undefined {
  if (protobuf !== undefined) return undefined;
  loading ??= load().finally(() => {
    loading = undefined;
  });
  // Who doesn't wait for it yet does so later.
  loading.catch(() => {});
  return loading;
}

async function load(): Promise<void> {
  try {
    protobuf = await import("@bufbuild/protobuf");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw internalServerError(
      "go.micro.schema",
      `handlers and clients of a protobuf service need @bufbuild/protobuf: ${reason}. Run: npm install @bufbuild/protobuf`,
      { cause },
    );
  }
}

function library(): typeof import("@bufbuild/protobuf") {
  if (protobuf === undefined) throw new Error("@bufbuild/protobuf is still being loaded");
  return protobuf;
}

/**
 * The type of a descriptor's messages. `encode` and `toJson` also take what a message can be made of. Nothing of
 * it works before `loadProtobuf` has ended.
 */
export function messageType(message: MessageDescriptor): MessageType {
  const descriptor = message as DescMessage;
  return {
    typeName: descriptor.typeName,
    encode: (value) => library().toBinary(descriptor, create(descriptor, value)),
    decode: (bytes) => library().fromBinary(descriptor, bytes),
    toJson(value, forGo = false) {
      const json = library().toJson(descriptor, create(descriptor, value), {
        registry: registryOf(descriptor.file),
        useProtoFieldName: forGo,
        enumAsInteger: forGo,
      });
      return forGo ? withLongNumbers(descriptor, json) : json;
    },
    fromJson(json) {
      // Go takes null for a message of defaults. Only one type has a null of its own.
      if (json === null && descriptor.typeName !== "google.protobuf.Value") return create(descriptor, {});
      return library().fromJson(descriptor, json as JsonValue, {
        // Newer peers may know more fields than we do.
        ignoreUnknownFields: true,
        registry: registryOf(descriptor.file),
      });
    },
  };
}

function create(descriptor: DescMessage, value: unknown): Message {
  const { typeName } = descriptor;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`a ${typeName} is made of an object`);
  }
  if ("$typeName" in value && value.$typeName !== typeName) {
    throw new TypeError(`it is a ${String(value.$typeName)}, and a ${typeName} is wanted`);
  }
  return library().create(descriptor, value as Record<string, unknown>);
}

const registries = new WeakMap<DescFile, Registry>();

/** The types that a `google.protobuf.Any` can hold in JSON: those of the file and of all it imports. */
function registryOf(file: DescFile): Registry {
  let registry = registries.get(file);
  if (registry === undefined) {
    const files = new Set([file]);
    // What is added while the loop runs is visited too.
    for (const { dependencies } of files) for (const dependency of dependencies) files.add(dependency);
    registry = library().createRegistry(...files);
    registries.set(file, registry);
  }
  return registry;
}
