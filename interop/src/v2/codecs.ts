/** What mucp's bodies are in, by the name that the tables use. */
export const codecs = [
  ["JSON", "application/json"],
  ["protobuf", "application/protobuf"],
  ["json-rpc", "application/json-rpc"],
  ["proto-rpc", "application/proto-rpc"],
] as const;

export type CodecName = (typeof codecs)[number][0];
