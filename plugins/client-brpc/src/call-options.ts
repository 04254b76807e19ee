import type { Checksum, Compression } from "@ts-micro/brpc-wire";

declare module "ts-micro/client" {
  interface CallOptions {
    /** What only bRPC can carry. Other clients ignore it. */
    brpc?: BrpcCallOptions;
  }
}

export interface BrpcCallOptions {
  /** Bytes that travel behind the message, uncompressed. */
  attachment?: Uint8Array;
  /** @default the client's */
  compression?: Compression;
  /** @default the client's */
  checksum?: Checksum;
  /** The checksum covers the attachment too, for servers that know of it. @default false */
  checksumWithAttachment?: boolean;
  /** 64 bits, signed. Beside it, metadata `Log-Id` does the same. */
  logId?: bigint;
  /** User fields whose keys are sent as they are; those of metadata are sent in lower case. */
  userFields?: Readonly<Record<string, string>>;
  /** For servers with an `Authenticator`. */
  authenticationData?: Uint8Array;
  /** Told of each attempt's response before the call ends, errors included. */
  onResponse?: (response: BrpcResponse) => void;
}

/** What a response has beside its message. */
export interface BrpcResponse {
  /** None are an empty buffer. */
  readonly attachment: Buffer;
  readonly userFields: ReadonlyMap<string, string>;
  /** 0 for success. */
  readonly errorCode: number;
}
