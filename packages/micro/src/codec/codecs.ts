import { MicroError } from "../errors.ts";
import { bodyCodec, bytesCodec } from "./bytes.ts";
import type { Codec, Codecs } from "./codec.ts";
import { grpcCodec } from "./grpc.ts";
import { jsonCodec } from "./json.ts";
import { jsonRpcCodec } from "./json-rpc.ts";
import { packedCodec } from "./packed.ts";
import { protoCodec } from "./proto.ts";
import { protoRpcCodec } from "./proto-rpc.ts";

/** go-micro's tables of the mucp and gRPC parts in one (`client/rpc_codec.go`, `server/grpc/codec.go`), and one of our own. */
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
  "application/vnd.ts-micro.packed": packedCodec,
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

/** What a server says of its codecs: the content types that nobody may send who wasn't told. */
export function announcedCodecs(codecs: Codecs): string[] {
  return Object.keys(codecs).filter((contentType) => codecs[contentType]?.fallback !== undefined);
}

/**
 * The content type for who has announced these.
 * @param announced metadata `codecs` of a node: content types with commas
 */
export function readableContentType(contentType: string, codecs: Codecs, announced = ""): string {
  if (announced === contentType) return contentType;
  const codec = Object.hasOwn(codecs, contentType) ? codecs[contentType] : undefined;
  if (codec?.fallback === undefined || announced.split(",").includes(contentType)) return contentType;
  return codec.fallback;
}
