import type { Checksum, Compression } from "@ts-micro/brpc-wire";
import { CallContext, type Context } from "ts-micro";

/** What a bRPC call has beside its message and its metadata. */
export interface BrpcCall {
  readonly service: string;
  readonly method: string;
  readonly logId: bigint | undefined;
  /** The request's user fields, their keys as they were sent. */
  readonly userFields: ReadonlyMap<string, string>;
  /** The bytes that came behind the request's message; none are an empty buffer. */
  readonly attachment: Buffer;
  readonly compression: Compression;
  readonly checksum: Checksum;
  /** The request's `authentication_data`. Nothing here has checked it. */
  readonly authenticationData: Buffer | undefined;
  /** What the answer shall have. */
  readonly response: BrpcResponse;
}

export interface BrpcResponse {
  /** Bytes to send behind the message. Not sent with an error. @default none */
  attachment: Uint8Array | undefined;
  /** @default the request's */
  compression: Compression;
  /** @default the request's */
  checksum: Checksum;
  readonly userFields: Map<string, string>;
}

/** By name and not by class: the program and a plugin's file may have a copy of this module each. */
const callKey = Symbol.for("ts-micro.brpc-call.v1");

/**
 * What bRPC knows of the call that a handler was given this context for; `undefined` when it came by another
 * protocol.
 *
 * ```ts
 * Echo: (request, context) => {
 *   const call = brpcCall(context);
 *   if (call !== undefined) call.response.attachment = call.attachment;
 *   return request;
 * }
 * ```
 */
export function brpcCall(context: Context): BrpcCall | undefined {
  return (context as { [callKey]?: BrpcCall })[callKey];
}

export class BrpcContext extends CallContext {
  readonly [callKey]: BrpcCall;

  constructor(fields: ConstructorParameters<typeof CallContext>[0], call: BrpcCall) {
    super(fields);
    this[callKey] = call;
  }

  get call(): BrpcCall {
    return this[callKey];
  }
}
