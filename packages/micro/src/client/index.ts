export * from "./client.ts";
export { newClient } from "./mucp.ts";
export { defaultBackoff, defaultRetry } from "./retry.ts";
