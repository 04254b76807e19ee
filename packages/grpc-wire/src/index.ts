/**
 * What gRPC puts into HTTP/2 streams, for the client and the server alike. How the streams themselves are opened and
 * kept is theirs.
 */
export { compress, compressedFlagWithoutEncoding, decompress, encodings } from "./compression.ts";
export { contentTypeOf, type Format, formatOf, subtypeOf } from "./format.ts";
export { encodeFrame, MessageReader } from "./framing.ts";
export { binaryValue, bytesOfValue, fromHeaders, toHeaders } from "./metadata.ts";
export { type MethodName, malformedName, parsePath, pathOf } from "./path.ts";
export { decodeMessage, encodeMessage } from "./percent.ts";
export {
  type Detail,
  GrpcError,
  type GrpcStatus,
  isGrpcError,
  statusCode,
  statusFromHttp,
  statusFromReset,
  statusOf,
} from "./status.ts";
export { readStatus, writeStatus } from "./status-headers.ts";
export { decodeTimeout, encodeTimeout } from "./timeout.ts";
