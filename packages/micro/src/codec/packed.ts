import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";
import { decodeFailed, encodeFailed, messageOf } from "./failures.ts";
import { fromJson, toJson } from "./json.ts";
import { newPackedReader } from "./packed/reader.ts";
import { newPackedWriter } from "./packed/writer.ts";

/**
 * `application/vnd.ts-micro.packed`: what JSON can say in fewer bytes and less time (docs/packed-json.md). Whatever is
 * written comes out as it would from `application/json`, which is what nodes get that don't announce this one.
 */
export const packedCodec: Codec = {
  name: "packed",
  fallback: "application/json",

  encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array {
    if (value instanceof Uint8Array) return value;
    if (value === undefined && frame.kind !== "response") return new Uint8Array(0);
    const given = value === undefined ? {} : toJson("packed", value, type);
    try {
      return write(given);
    } catch (thrown) {
      throw encodeFailed("packed", messageOf(thrown), thrown);
    }
  },

  decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
    const value = body.length === 0 ? undefined : readOrFail(body);
    return { value: kind === "error" ? value : fromJson("packed", value, type) };
  },
};

const writer = newPackedWriter();
const read = newPackedReader();
let writing = false;

function write(value: unknown): Uint8Array {
  // Called by a `toJSON` or a getter of what is being written.
  if (writing) return newPackedWriter()(value);
  writing = true;
  try {
    return writer(value);
  } finally {
    writing = false;
  }
}

function readOrFail(body: Uint8Array): unknown {
  try {
    return read(body);
  } catch (thrown) {
    throw decodeFailed("packed", messageOf(thrown), thrown);
  }
}
