/** Consul's HTTP API, as go-micro asks it. Any server may answer (`stale`): one that has lost the others says what it knows. */

/** Names and tags of all services. */
export const catalogPath = "/v1/catalog/services?stale";

export const registerPath = "/v1/agent/service/register?replace-existing-checks=true";

/** The nodes of a service with their checks, healthy or not. */
export function healthPath(service: string): string {
  return `/v1/health/service/${encodeURIComponent(service)}?stale`;
}

export function deregisterPath(id: string): string {
  return `/v1/agent/service/deregister/${encodeURIComponent(id)}`;
}

/** Renews the TTL. */
export function passPath(id: string): string {
  return `/v1/agent/check/pass/${encodeURIComponent(`service:${id}`)}`;
}
