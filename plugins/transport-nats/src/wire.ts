import { newMetadata } from "ts-micro";
import { decodeEnvelope } from "ts-micro/broker";
import { metadataToJson } from "ts-micro/registry";
import type { Message } from "ts-micro/transport";

/** How messages are written on one connection. */
export interface Wire {
  encode(message: Message): Uint8Array;
  /** @throws Error saying what is wrong */
  decode(payload: Uint8Array): Frame;
  /** Absent where the other end knows no such thing: go-micro. */
  readonly control?: {
    /** Nothing more comes. */
    end(why?: Why): Uint8Array;
    /** So many bytes of bodies have been taken. */
    taken(bytes: number): Uint8Array;
    /** Is anybody there? */
    probe(): Uint8Array;
  };
}

/** Why an end came that nobody asked for. */
export interface Why {
  readonly code: number;
  readonly detail: string;
}

export type Frame =
  | { kind: "message"; message: Message }
  | { kind: "end"; why?: Why }
  | { kind: "taken"; bytes: number }
  | { kind: "probe" };

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

/** Between two of ours: one letter, then the length of the header's JSON, the header, and the body as it is. */
export const ownWire = {
  encode({ header, body }: Message): Uint8Array {
    const json = Buffer.from(JSON.stringify(header));
    const head = Buffer.alloc(5);
    head[0] = letters.message;
    head.writeUInt32BE(json.length, 1);
    return Buffer.concat([head, json, body]);
  },
  decode(payload: Uint8Array): Frame {
    // A copy: the library's bytes are a part of what the socket has read.
    const bytes = Buffer.from(payload);
    switch (bytes[0]) {
      case letters.message: {
        const length = bytes.readUInt32BE(1);
        const header: unknown = JSON.parse(bytes.toString("utf8", 5, 5 + length));
        const entries = Object.entries(header ?? {}).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        return {
          kind: "message",
          message: { header: newMetadata(entries), body: bytes.subarray(5 + length) },
        };
      }
      case letters.end: {
        if (bytes.length === 1) return { kind: "end" };
        const { code, detail } = JSON.parse(bytes.toString("utf8", 1)) as { code: unknown; detail: unknown };
        return { kind: "end", why: { code: Number(code), detail: String(detail) } };
      }
      case letters.taken:
        if (bytes.length !== 5) throw new Error(`a frame of what was taken can't have ${bytes.length} bytes`);
        return { kind: "taken", bytes: bytes.readUInt32BE(1) };
      case letters.probe:
        return { kind: "probe" };
      default:
        throw new Error(`a frame can't begin with ${bytes[0]}`);
    }
  },
  control: {
    end(why?: Why): Uint8Array {
      return Buffer.from(why === undefined ? "E" : `E${JSON.stringify(why)}`);
    },
    taken(bytes: number): Uint8Array {
      const frame = Buffer.alloc(5);
      frame[0] = letters.taken;
      frame.writeUInt32BE(bytes, 1);
      return frame;
    },
    probe: (): Uint8Array => Buffer.from("P"),
  },
} as const satisfies Wire;

const letters = { message: 0x4d, end: 0x45, taken: 0x54, probe: 0x50 } as const;
