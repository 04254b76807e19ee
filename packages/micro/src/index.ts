/**
 * ts-micro: services whose every part is chosen when the program starts.
 *
 * ```ts
 * const service = newService({ name: "greeter" });
 * service.handle("Greeter", {
 *   Hello: async (request: { name: string }) => ({ msg: `Hello ${request.name}` }),
 * });
 * await service.run();
 * ```
 *
 * What is here is for whoever writes a service. Interfaces of the parts, and the built-in ones, are in
 * `ts-micro/broker`, `ts-micro/client` and so on; plugins in `ts-micro/plugin`, flags in `ts-micro/cmd`.
 */
export type {
  Attempt,
  CallFunction,
  CallOptions,
  CallRequest,
  CallWrapper,
  Client,
  ClientPublishOptions,
  ClientStream,
  ClientWrapper,
  StreamRequest,
} from "./client/client.ts";
export type { TypedClient, TypedClientOptions } from "./client/typed-client.ts";
export type { MessageType } from "./codec/codec.ts";
export { CallContext, type Context, type Peer } from "./context.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export * from "./errors.ts";
export { type Factory, isKind, type Kind, kindNames, type OptionsOf, type PartOf } from "./kinds.ts";
export {
  type ConnectionOwner,
  type LastingConnection,
  type LastingConnectionSetup,
  newLastingConnection,
  type ServerSession,
} from "./lasting-connection.ts";
export { type LogFields, type Logger, type LoggerOptions, type LogLevel, newLogger } from "./logger.ts";
export { canonicalKey, getMetadata, type Metadata, newMetadata } from "./metadata.ts";
export type { PartOptions, Parts, TlsOptions } from "./parts.ts";
export { PluginError } from "./plugin/plugin-error.ts";
export { retryWaitMs } from "./retry-wait.ts";
export { newHandler, stream } from "./server/handler.ts";
export type { SchemaHandlerOptions, ServiceImplementation } from "./server/schema-handler.ts";
export type {
  EndpointOptions,
  HandlerFunction,
  HandlerOptions,
  HandlerWrapper,
  Server,
  ServerRequest,
  StreamHandler,
  SubscriberContext,
  SubscriberFunction,
  SubscriberHandler,
  SubscriberOptions,
  SubscriberWrapper,
  UnaryHandler,
} from "./server/server.ts";
export { parseServerUrl, type ServerUrl, type ServerUrlForm } from "./server-url.ts";
export {
  type Choice,
  type Hook,
  newService,
  type Program,
  type Service,
  type ServiceOptions,
} from "./service.ts";
