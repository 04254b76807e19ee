/** What bodies are in, by the name that the tables use. */
export const codecs = {
  mucp: [
    ["JSON", "application/json"],
    ["protobuf", "application/protobuf"],
    ["json-rpc", "application/json-rpc"],
    ["proto-rpc", "application/proto-rpc"],
  ],
  grpc: [
    ["protobuf", "application/grpc+proto"],
    ["JSON", "application/json"],
  ],
} as const;

export type Protocol = keyof typeof codecs;
export type CodecName = (typeof codecs)[Protocol][number][0];
