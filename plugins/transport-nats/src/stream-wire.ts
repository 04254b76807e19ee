/**
 * How a connection of bytes is carried: one letter, the sender's number for what may not be missed, and the rest.
 *
 *     B <number> <bytes>   bytes, in their order
 *     E <number>           no more bytes come from here; without a number, there is no such end
 *     X <json>             broken off, and why: `{"code":…,"detail":…}`
 *     T <count>            so many bytes have been taken
 *     P                    is anybody there?
 *
 * Numbers and counts are 32 bits, the highest first. Core NATS keeps the order of one sender, and may lose messages where
 * servers of a cluster lose each other: a number that is missing ends the connection.
 */
export const letters = { bytes: 0x42, end: 0x45, broken: 0x58, taken: 0x54, probe: 0x50 } as const;

/** Bytes before those that are carried. */
export const headBytes = 5;

/** Why a connection was broken off. */
export interface Why {
  readonly code: number;
  readonly detail: string;
}

/** A frame with room for `size` bytes behind its head. */
export function newFrame(letter: number, value: number, size = 0): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + size);
  frame[0] = letter;
  frame.writeUInt32BE(value, 1);
  return frame;
}

export function brokenFrame(why: Why): Buffer {
  return Buffer.from(`X${JSON.stringify(why)}`);
}

export const probeFrame: Uint8Array = Buffer.from("P");

/** @throws Error for what is no JSON object */
export function whyOf(frame: Buffer): Why {
  const { code, detail } = JSON.parse(frame.toString("utf8", 1)) as { code: unknown; detail: unknown };
  return { code: Number(code), detail: String(detail) };
}
