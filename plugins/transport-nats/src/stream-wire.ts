/**
 * How a connection of bytes is carried: one letter, the number of the sender's next frame of bytes, and the rest.
 *
 *     B <number> <bytes>   bytes, in their order
 *     E <number>           the last frame: no more bytes come from here; without a number, there is no such end
 *     X <json>             broken off, and why: `{"code":…,"detail":…}`
 *     T <number> <total>   so many bytes have been taken since the beginning
 *
 * Numbers and totals are 32 bits, the highest first, and begin anew behind the highest. Core NATS keeps the order of one
 * sender, and may lose messages where servers of a cluster lose each other. A number that is missing ends the connection.
 * `T` has no number of its own and is repeated now and then, also to learn whether anybody is there. So each total makes up
 * for those that were lost before it, and its number shows whether `B` or `E` was lost and nothing came behind it.
 */
export const letters = { bytes: 0x42, end: 0x45, broken: 0x58, taken: 0x54 } as const;

/** Bytes before those that are carried. */
export const headBytes = 5;

/** Why a connection was broken off. */
export interface Why {
  readonly code: number;
  readonly detail: string;
}

export type Frame =
  | { kind: "bytes"; number: number; bytes: Buffer }
  | { kind: "end"; number: number }
  | { kind: "gone" }
  | { kind: "broken"; why: Why }
  | { kind: "taken"; number: number; total: number };

/** The number or total that comes so much later. */
export function following(number: number, by = 1): number {
  return (number + by) >>> 0;
}

/** A frame with room for `size` bytes behind its head. */
export function newFrame(letter: number, number: number, size = 0): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + size);
  frame[0] = letter;
  frame.writeUInt32BE(number, 1);
  return frame;
}

export function takenFrame(number: number, total: number): Buffer {
  const frame = newFrame(letters.taken, number, 4);
  frame.writeUInt32BE(total, headBytes);
  return frame;
}

export function brokenFrame(why: Why): Buffer {
  return Buffer.from(`X${JSON.stringify(why)}`);
}

/** @throws Error saying what is wrong */
export function parseFrame(frame: Buffer): Frame {
  const { length } = frame;
  switch (frame[0]) {
    case letters.bytes:
      if (length <= headBytes) throw new Error(`a frame of bytes can't have ${length}`);
      return { kind: "bytes", number: frame.readUInt32BE(1), bytes: frame.subarray(headBytes) };
    case letters.end:
      if (length === 1) return { kind: "gone" };
      if (length !== headBytes) throw new Error(`an end can't have ${length} bytes`);
      return { kind: "end", number: frame.readUInt32BE(1) };
    case letters.broken:
      return { kind: "broken", why: whyOf(frame) };
    case letters.taken:
      if (length !== headBytes + 4) throw new Error(`a frame of what was taken can't have ${length} bytes`);
      return { kind: "taken", number: frame.readUInt32BE(1), total: frame.readUInt32BE(headBytes) };
    default:
      throw new Error(`a frame can't begin with ${frame[0]}`);
  }
}

function whyOf(frame: Buffer): Why {
  const { code, detail } = JSON.parse(frame.toString("utf8", 1)) as { code: unknown; detail: unknown };
  return { code: Number(code), detail: String(detail) };
}
