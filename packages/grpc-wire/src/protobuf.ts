/**
 * The three protobuf messages inside `grpc-status-details-bin`, so few that they need no library: `google.rpc.Status`
 * { code = 1, message = 2, details = 3 }, `google.protobuf.Any` { type_url = 1, value = 2 } and go-micro's
 * `errors.Error` { id = 1, code = 2, detail = 3, status = 4 } (`errors/errors.proto`).
 */
import type { Detail, GrpcStatus } from "./status.ts";

export const errorTypeUrl = "type.googleapis.com/errors.Error";

interface ErrorFields {
  readonly id: string;
  readonly code: number;
  readonly detail: string;
  readonly status: string;
}

export function encodeStatus(status: GrpcStatus & { details: readonly Detail[] }): Buffer {
  return Buffer.concat([
    number(1, status.code),
    text(2, status.message),
    ...status.details.map(({ typeUrl, value }) =>
      bytes(3, Buffer.concat([text(1, typeUrl), bytes(2, value)])),
    ),
  ]);
}

export function encodeError({ id, code, detail, status }: ErrorFields): Buffer {
  return Buffer.concat([text(1, id), number(2, code), text(3, detail), text(4, status)]);
}

/** `undefined` for bytes that are no such message. */
export function decodeStatus(message: Buffer): (GrpcStatus & { details: readonly Detail[] }) | undefined {
  const status = { code: 0, message: "", details: [] as Detail[] };
  const whole = eachField(message, (field, value) => {
    if (field === 1 && typeof value === "number") status.code = value;
    else if (field === 2 && typeof value === "object") status.message = value.toString();
    else if (field === 3 && typeof value === "object") status.details.push(decodeAny(value));
  });
  return whole ? status : undefined;
}

/** `undefined` for bytes that are no such message. */
export function decodeError(message: Uint8Array): ErrorFields | undefined {
  const error = { id: "", code: 0, detail: "", status: "" };
  const whole = eachField(Buffer.from(message), (field, value) => {
    if (field === 2 && typeof value === "number") error.code = value;
    else if (field === 1 && typeof value === "object") error.id = value.toString();
    else if (field === 3 && typeof value === "object") error.detail = value.toString();
    else if (field === 4 && typeof value === "object") error.status = value.toString();
  });
  return whole ? error : undefined;
}

function decodeAny(message: Buffer): Detail {
  const any = { typeUrl: "", value: Buffer.alloc(0) };
  eachField(message, (field, value) => {
    if (field === 1 && typeof value === "object") any.typeUrl = value.toString();
    else if (field === 2 && typeof value === "object") any.value = Buffer.from(value);
  });
  return any;
}

/** Defaults are left out, as protobuf does. */
function number(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.from([field << 3, ...varint(value)]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Uint8Array): Buffer {
  if (value.length === 0) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value]);
}

/** A negative int32 has ten bytes. */
function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const groups: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
  return [...groups, Number(rest)];
}

/** Gives numbers (as int32) and length-delimited fields, skips others. False when the bytes are no message. */
function eachField(message: Buffer, give: (field: number, value: number | Buffer) => void): boolean {
  let at = 0;
  while (at < message.length) {
    const tag = readVarint();
    if (tag === undefined) return false;
    const [field, wireType] = [tag >>> 3, tag & 7];
    if (wireType === 0) {
      const value = readVarint();
      if (value === undefined) return false;
      give(field, value | 0);
      continue;
    }
    const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? readVarint() : undefined;
    if (length === undefined || length > message.length - at) return false;
    if (wireType === 2) give(field, message.subarray(at, at + length));
    at += length;
  }
  return true;

  /** The low 32 bits. */
  function readVarint(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 70 && at < message.length; shift += 7) {
      const byte = message[at++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return undefined;
  }
}
