import { decodeBody, encodeBody } from "./bytes.ts";
import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";
import { decodeFailed } from "./failures.ts";

/**
 * `application/proto-rpc`: an envelope and the payload, each after its length as four big-endian bytes
 * (go-micro `codec/protorpc/protorpc.go`, `envelope.proto`). An event is the payload alone.
 */
export const protoRpcCodec: Codec = {
  name: "proto-rpc",

  encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array {
    const payload = encodeBody("proto-rpc", value, type);
    if (frame.kind === "event") return payload;
    const envelope = encodeEnvelope(frame);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(envelope.length);
    const middle = Buffer.alloc(4);
    middle.writeUInt32BE(payload.length);
    return Buffer.concat([head, envelope, middle, payload]);
  },

  decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
    if (kind === "event") return { value: decodeBody("proto-rpc", body, type) };
    if (body.length === 0) return { value: undefined };
    const envelope = readPart(body, 0, "envelope");
    const payload = readPart(body, 4 + envelope.length, "payload");
    const decoded = decodeEnvelope(envelope, kind);
    // The payload of an error is empty and no message.
    const value = decoded.error === undefined ? decodeBody("proto-rpc", payload, type) : undefined;
    return { value, ...decoded };
  },
};

// Tags of the envelope's fields: number << 3 | wire type.
const methodTag = 0x0a;
const sequenceTag = 0x11;
const errorTag = 0x1a;

/** go-micro leaves the method out of responses, and method and number out of errors. */
function encodeEnvelope(frame: Frame): Buffer {
  const parts: Uint8Array[] = [];
  if (frame.kind === "request") parts.push(textField(methodTag, frame.endpoint));
  if (frame.kind !== "error") parts.push(sequenceField(frame.id));
  else parts.push(textField(errorTag, frame.error));
  return Buffer.concat(parts);
}

function textField(tag: number, text: string): Uint8Array {
  if (text === "") return new Uint8Array(0);
  const bytes = Buffer.from(text);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([tag, ...length, rest]), bytes]);
}

/** The id as a signed 64-bit number, 0 when it is none; 0 is left out, as protobuf does with defaults. */
function sequenceField(id: string): Uint8Array {
  const number = /^[+-]?\d{1,19}$/.test(id) ? BigInt(id.replace("+", "")) : 0n;
  if (number === 0n || BigInt.asIntN(64, number) !== number) return new Uint8Array(0);
  const field = Buffer.alloc(9);
  field[0] = sequenceTag;
  field.writeBigInt64LE(number, 1);
  return field;
}

function readPart(body: Uint8Array, at: number, name: string): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (at + 4 > body.length) throw decodeFailed("proto-rpc", `the body ends before the length of its ${name}`);
  const length = view.getUint32(at);
  const left = body.length - at - 4;
  if (length > left) {
    throw decodeFailed("proto-rpc", `the ${name} claims ${length} bytes and ${left} are there`);
  }
  return body.subarray(at + 4, at + 4 + length);
}

function decodeEnvelope(bytes: Uint8Array, kind: FrameKind): Omit<Decoded, "value"> {
  const envelope = { endpoint: "", id: "0", error: "" };
  let at = 0;
  while (at < bytes.length) {
    const tag = varint();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1: {
        const field = take(8);
        if (tag === sequenceTag) envelope.id = String(Buffer.from(field).readBigUInt64LE());
        break;
      }
      case 2: {
        const field = take(varint());
        if (tag === methodTag) envelope.endpoint = Buffer.from(field).toString();
        if (tag === errorTag) envelope.error = Buffer.from(field).toString();
        break;
      }
      case 5:
        take(4);
        break;
      default:
        throw decodeFailed("proto-rpc", `the envelope has a field of wire type ${tag & 7}`);
    }
  }
  return {
    id: envelope.id,
    ...(envelope.endpoint !== "" && { endpoint: envelope.endpoint }),
    ...(kind !== "request" && envelope.error !== "" && { error: envelope.error }),
  };

  /** A varint of the envelope: a tag or a length, so 32 bits are enough; longer ones are cut to them. */
  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = take(1)[0] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw decodeFailed("proto-rpc", "the envelope has a number of more than 10 bytes");
  }

  function take(length: number): Uint8Array {
    if (length > bytes.length - at) throw decodeFailed("proto-rpc", "the envelope ends within a field");
    at += length;
    return bytes.subarray(at - length, at);
  }
}
