/**
 * The messages of go-micro's `debug/service/proto/debug.proto` in protobuf, for callers that speak nothing else. By
 * hand, because the core knows no protobuf library: a text or whole numbers in fields from 1 on.
 */
import type { MessageType } from "../codec/codec.ts";

/** HealthRequest, StatsRequest: what is in them is not looked at. */
export const debugRequest: MessageType<object> = {
  encode: () => new Uint8Array(0),
  decode: () => ({}),
};

export const healthResponse: MessageType<{ status: string }> = {
  encode({ status }) {
    const text = Buffer.from(status);
    return Buffer.concat([Buffer.from([tag(1, lengthDelimited), text.length]), text]);
  },
  decode: (bytes) => ({ status: Buffer.from(bytes.subarray(2)).toString() }),
};

/** @param names of the fields, in their order */
export function countsResponse<Name extends string>(
  names: readonly Name[],
): MessageType<Record<Name, number>> {
  return {
    encode(counts) {
      const bytes = names.flatMap((name, at) =>
        counts[name] === 0 ? [] : [tag(at + 1, varint), ...varintOf(counts[name])],
      );
      return Uint8Array.from(bytes);
    },
    decode(bytes) {
      const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
      for (let at = 0; at < bytes.length; ) {
        const name = names[((bytes[at++] ?? 0) >> 3) - 1];
        let value = 0;
        for (let scale = 1; ; scale *= 128) {
          const byte = bytes[at++] ?? 0;
          value += (byte & 0x7f) * scale;
          if (byte < 0x80) break;
        }
        if (name !== undefined) counts[name] = value;
      }
      return counts;
    },
  };
}

const varint = 0;
const lengthDelimited = 2;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** By division, because bit operations end at 32 bits. */
function varintOf(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
