import { MicroError } from "../errors.ts";
import { bodyCodec, bytesCodec } from "./bytes.ts";
import type { Codec, Codecs } from "./codec.ts";
import { grpcCodec } from "./grpc.ts";
import { jsonCodec } from "./json.ts";
import { jsonRpcCodec } from "./json-rpc.ts";
import { protoCodec } from "./proto.ts";
import { protoRpcCodec } from "./proto-rpc.ts";

/** go-micro's tables of the mucp and gRPC parts in one (`client/rpc_codec.go`, `server/grpc/codec.go`). */
export const defaultCodecs: Codecs = {
  "application/json": jsonCodec,
  "application/protobuf": protoCodec,
  "application/proto": protoCodec,
  "application/octet-stream": bytesCodec,
  "application/json-rpc": jsonRpcCodec,
  "application/proto-rpc": protoRpcCodec,
  "application/grpc": grpcCodec("grpc", bodyCodec("grpc")),
  "application/grpc+proto": grpcCodec("grpc+proto", bodyCodec("grpc+proto")),
  "application/grpc+json": grpcCodec("grpc+json", jsonCodec),
  "application/grpc+bytes": grpcCodec("grpc+bytes", bodyCodec("grpc+bytes")),
};

/**
 * The codec of a content type. Case and parameters such as `; charset=utf-8` don't matter.
 * @throws MicroError 415 `unsupported-content-type` that lists the known ones.
 */
export function codecFor(contentType: string, codecs: Codecs = defaultCodecs): Codec {
  if (Object.hasOwn(codecs, contentType)) return codecs[contentType] as Codec;
  const essence = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (Object.hasOwn(codecs, essence)) return codecs[essence] as Codec;
  const known = Object.keys(codecs).sort().join(", ");
  throw new MicroError({
    id: "go.micro.codec",
    code: 415,
    detail: `unsupported content type ${JSON.stringify(contentType)}; known are ${known}`,
    reason: "unsupported-content-type",
  });
}
