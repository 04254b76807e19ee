export { bytesCodec } from "./bytes.ts";
export * from "./codec.ts";
export { codecFor, defaultCodecs } from "./codecs.ts";
export { jsonCodec } from "./json.ts";
export { jsonRpcCodec } from "./json-rpc.ts";
export { packedCodec } from "./packed.ts";
export { protoCodec } from "./proto.ts";
export { protoRpcCodec } from "./proto-rpc.ts";
