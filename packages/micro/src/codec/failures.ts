import { badRequest, internalServerError, type MicroError } from "../errors.ts";

const id = "go.micro.codec";

/** 500: a value of this process can't be written by `codec`. */
export function encodeFailed(codec: string, reason: string, cause?: unknown): MicroError {
  return internalServerError(id, `codec ${codec} can't encode: ${reason}`, {
    reason: "encode-failed",
    cause,
  });
}

/** 400: a body from elsewhere can't be read by `codec`. */
export function decodeFailed(codec: string, reason: string, cause?: unknown): MicroError {
  return badRequest(id, `codec ${codec} can't decode: ${reason}`, { reason: "decode-failed", cause });
}

/** What a value is, for a sentence about it. */
export function kindOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object"
    ? `an object of ${value.constructor?.name ?? "no class"}`
    : `a ${typeof value}`;
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
