import { newMetadata } from "ts-micro";
import { decodeEnvelope } from "ts-micro/broker";
import { metadataToJson } from "ts-micro/registry";
import type { Message } from "ts-micro/transport";
import type { Why } from "./stream-wire.ts";

/** How messages are written on one connection. */
export interface Wire {
  /** @param number how many messages this end has sent before */
  encode(message: Message, number: number): Uint8Array;
  /** @throws Error saying what is wrong */
  decode(payload: Uint8Array): Frame;
  /** Absent where the other end knows no such thing: go-micro. */
  readonly control?: {
    /** Nothing more comes. */
    end(why?: Why): Uint8Array;
    /** So many bytes of bodies have been taken since the beginning. @param number that of the sender's next message */
    taken(number: number, total: number): Uint8Array;
  };
}

export type Frame =
  | { kind: "message"; message: Message; number?: number }
  | { kind: "end"; why?: Why }
  | { kind: "taken"; number: number; total: number };

/** go-micro's (`transport/nats/nats.go`): always JSON, `{"Header":{…},"Body":"<base64>"}`. */
export const goWire: Wire = {
  encode({ header, body }) {
    const base64 = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64");
    return Buffer.from(`{"Header":${metadataToJson({ ...header })},"Body":"${base64}"}`);
  },
  decode(payload) {
    return { kind: "message", message: decodeEnvelope(Buffer.from(payload)) };
  },
};

/**
 * Between two of ours: a letter, and
 *
 *     M <number> <length> <header> <body>   a message; the header is JSON of so many bytes, the body is the rest
 *     E <json>                              nothing more comes, and why: `{"code":…,"detail":…}`, or nothing
 *     T <number> <total>                    so many bytes of bodies have been taken since the beginning
 *
 * Numbers, lengths and totals are 32 bits, the highest first; numbers and totals begin anew behind the highest. Why they are
 * there and `T` is repeated: `stream-wire.ts`.
 */
export const ownWire = {
  encode({ header, body }: Message, number: number): Uint8Array {
    const json = Buffer.from(JSON.stringify(header));
    const head = newHead(letters.message, number, json.length);
    return Buffer.concat([head, json, body]);
  },
  decode(payload: Uint8Array): Frame {
    // A copy: the library's bytes are a part of what the socket has read.
    const bytes = Buffer.from(payload);
    switch (bytes[0]) {
      case letters.message: {
        const [number, length] = [bytes.readUInt32BE(1), bytes.readUInt32BE(5)];
        const header: unknown = JSON.parse(bytes.toString("utf8", headBytes, headBytes + length));
        const entries = Object.entries(header ?? {}).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        const body = bytes.subarray(headBytes + length);
        return { kind: "message", number, message: { header: newMetadata(entries), body } };
      }
      case letters.end: {
        if (bytes.length === 1) return { kind: "end" };
        const { code, detail } = JSON.parse(bytes.toString("utf8", 1)) as { code: unknown; detail: unknown };
        return { kind: "end", why: { code: Number(code), detail: String(detail) } };
      }
      case letters.taken:
        if (bytes.length !== headBytes) {
          throw new Error(`a frame of what was taken can't have ${bytes.length} bytes`);
        }
        return { kind: "taken", number: bytes.readUInt32BE(1), total: bytes.readUInt32BE(5) };
      default:
        throw new Error(`a frame can't begin with ${bytes[0]}`);
    }
  },
  control: {
    end: (why?: Why): Uint8Array => Buffer.from(why === undefined ? "E" : `E${JSON.stringify(why)}`),
    taken: (number: number, total: number): Uint8Array => newHead(letters.taken, number, total),
  },
} as const satisfies Wire;

const letters = { message: 0x4d, end: 0x45, taken: 0x54 } as const;

const headBytes = 9;

function newHead(letter: number, number: number, second: number): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head[0] = letter;
  head.writeUInt32BE(number, 1);
  head.writeUInt32BE(second, 5);
  return head;
}
