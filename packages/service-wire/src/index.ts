/**
 * A broker and a registry offered over RPC, as go-micro v2 does: for `@ts-micro/broker-service`,
 * `@ts-micro/registry-service` and the command `micro`, which offers them.
 */
export { Broker, type Message } from "./gen/broker_pb.ts";
export { Registry, type Result } from "./gen/registry_pb.ts";
export { type Lasting, LastingStream, type Opened } from "./lasting-stream.ts";
export { offerBroker } from "./offer-broker.ts";
export { offerRegistry } from "./offer-registry.ts";
export { fromMessage, toMessage } from "./records.ts";
export { Remote, type RemoteOptions } from "./remote.ts";
