export { Inbox } from "../inbox.ts";
export { isPromiseLike } from "../promise-like.ts";
export type { ServiceDescriptor, ServiceSchema } from "../schema/schema.ts";
export { type HandlerOptionsOf, type MethodsOf, newHandler, stream } from "./handler.ts";
export {
  type Listening,
  newServerOver,
  type Readiness,
  type Sharing,
  type Wire,
  type WireHost,
} from "./lifecycle.ts";
export { type MucpServerOptions, newServer } from "./mucp.ts";
export { type ServerSettings, serverSettings } from "./options.ts";
export { newRegistration, type Registration, type RegistrationOptions } from "./registration.ts";
export { answersInARow, iterable, nextTurn } from "./results.ts";
export { newRouter, type Route, type Router, type RouterOptions } from "./router.ts";
export type { MethodImplementation, SchemaHandlerOptions, ServiceImplementation } from "./schema-handler.ts";
export * from "./server.ts";
export { newSubscriptions, type Subscriptions, type SubscriptionsOptions } from "./subscriber.ts";
