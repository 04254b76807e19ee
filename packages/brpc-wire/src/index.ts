/**
 * Apache bRPC's own protocol, baidu_std, as `@ts-micro/client-brpc` and `@ts-micro/server-brpc` speak it.
 */
export { type Checksum, checksumTypes, checksumValue, crc32c } from "./checksum.ts";
export { type Compression, checkCompression, compressionOf, compressTypes } from "./compression.ts";
export { BrpcStatus, brpcError, errno, errnoFor, errnoOf, errorFromResponse, textPrefix } from "./errors.ts";
export { encodeFrame, type Frame, FrameReader, type FrameReaderOptions, headerLength } from "./frame.ts";
export { decodeMeta, RpcMeta, RpcRequestMeta, RpcResponseMeta } from "./meta.ts";
export { readMetadata, writeMetadata } from "./metadata.ts";
export {
  type Content,
  checksumOf,
  contentTypes,
  packFrame,
  payloadText,
  readPayload,
  splitBody,
} from "./payload.ts";
export { StallWatch } from "./stall.ts";
