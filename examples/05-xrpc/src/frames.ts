import type { Duplex } from "node:stream";
import { internalServerError, MicroError } from "ts-micro";

/**
 * xrpc on the wire: frames of a length (4 bytes, big-endian) and that many bytes of JSON.
 *
 * The client writes requests, the server answers each with the same `id`. Any number of calls may be under
 * way on one connection, and answers come in any order.
 */
export interface RequestFrame {
  id: number;
  service: string;
  endpoint: string;
  metadata: Record<string, string>;
  /** What is left of the caller's time, in milliseconds. */
  timeoutMs?: number;
  body?: unknown;
}

/** The caller no longer waits for the answer. */
export interface CancelFrame {
  id: number;
  cancel: true;
}

/** Has `error`, in go-micro's form, or else `body`; a call that answers nothing has neither. */
export interface AnswerFrame {
  id: number;
  body?: unknown;
  error?: { id?: string; code?: number; detail?: string; status?: string };
}

/** An answer with this id answers nothing: the server leaves, and further calls should go elsewhere. */
export const goodbyeId = 0;

/** Longest frame accepted, in bytes: 4 MiB, as go-micro's messages. */
const maxFrameBytes = 4 * 1024 * 1024;

/** @throws MicroError 500 `encode-failed` when the body has no JSON form, 413 `too-large`. */
export function encodeFrame(frame: RequestFrame | CancelFrame | AnswerFrame): Buffer {
  const json = Buffer.from(stringify(frame));
  if (json.length > maxFrameBytes) {
    const detail = `a frame of ${json.length} bytes, and xrpc takes ${maxFrameBytes} at most`;
    throw new MicroError({ id: "xrpc", code: 413, detail, reason: "too-large" });
  }
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json]);
}

/** Calls `take` with each frame that arrives. A peer that sends anything else loses the connection. */
export function readFrames<Frame extends { id: number }>(socket: Duplex, take: (frame: Frame) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4 && !socket.destroyed) {
      const end = 4 + waiting.readUInt32BE();
      if (end > 4 + maxFrameBytes) socket.destroy(new Error(`xrpc: a frame of ${end - 4} bytes is too long`));
      if (socket.destroyed || waiting.length < end) return;
      const frame = parse<Frame>(waiting.subarray(4, end));
      waiting = waiting.subarray(end);
      if (frame === undefined) socket.destroy(new Error("xrpc: the peer sent something that is no frame"));
      else take(frame);
    }
  });
}

function stringify(frame: object): string {
  try {
    return JSON.stringify(frame);
  } catch (cause) {
    throw internalServerError("xrpc", `the body has no JSON form: ${cause}`, {
      reason: "encode-failed",
      cause,
    });
  }
}

function parse<Frame extends { id: number }>(json: Buffer): Frame | undefined {
  try {
    const value = JSON.parse(json.toString());
    return Number.isSafeInteger(value?.id) ? value : undefined;
  } catch {
    return undefined;
  }
}
