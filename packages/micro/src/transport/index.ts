export { type HttpTransportOptions, newHttpTransport } from "./http.ts";
export { newMemoryTransport } from "./memory.ts";
export * from "./transport.ts";
