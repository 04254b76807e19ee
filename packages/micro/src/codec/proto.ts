import { bodyCodec } from "./bytes.ts";
import type { Codec } from "./codec.ts";

/**
 * `application/protobuf`: the serialised message without a prefix (go-micro `codec/proto/proto.go`). No
 * protobuf library is known here; values are bytes, or go through the `MessageType` of the endpoint.
 */
export const protoCodec: Codec = bodyCodec("proto");
