export type { Outcome, WireAttempt } from "./attempt.ts";
export * from "./client.ts";
export {
  type ClientHost,
  type ClientWire,
  newClientOver,
  type StreamAttempt,
  type WireCalls,
} from "./client-over.ts";
export { DialledAddresses } from "./dialled-addresses.ts";
export type { Limit } from "./limit.ts";
export { type MucpClientOptions, newClient } from "./mucp.ts";
export { defaultBackoff, defaultRetry } from "./retry.ts";
export {
  newTypedClient,
  type TypedClient,
  type TypedClientOptions,
  type TypedMethod,
} from "./typed-client.ts";
