import { isIP } from "node:net";
import { formatDuration } from "ts-micro";
import type { Node, Service } from "ts-micro/registry";
import { decodeTags, encodeTags } from "./tags.ts";

/** Of Consul's answers what is used here (`/v1/health/service/<name>`). */
export interface HealthEntry {
  Node?: { Address?: string };
  Service?: {
    ID?: string;
    Service?: string;
    Tags?: string[] | null;
    Address?: string;
    Port?: number;
    ModifyIndex?: number;
  };
  Checks?: { Status?: string; ModifyIndex?: number }[] | null;
}

/**
 * The records of one node each that can be called, the one that changed last at the end. A node that stands at
 * several agents, since its service had to turn to another one, is given once.
 */
export function recordsOf(entries: readonly HealthEntry[], name: string): Service[] {
  const alive = entries
    .filter(({ Service, Checks }) => Service?.Service === name && !(Checks ?? []).some(isCritical))
    .sort((a, b) => changedAt(a) - changedAt(b));
  const byId = new Map<string, Service>();
  for (const entry of alive) {
    const record = recordOf(entry, name);
    const [node] = record.nodes;
    if (node === undefined) continue;
    byId.delete(node.id);
    byId.set(node.id, record);
  }
  return [...byId.values()];
}

function recordOf({ Node = {}, Service = {} }: HealthEntry, name: string): Service {
  const { version, metadata, endpoints } = decodeTags(Service.Tags ?? []);
  const node = {
    id: Service.ID ?? "",
    address: addressOf(Service.Address || Node.Address || "", Service.Port ?? 0),
    metadata,
  };
  return { name, version, metadata: {}, endpoints, nodes: [node] };
}

function isCritical({ Status }: { Status?: string }): boolean {
  return Status === "critical";
}

function changedAt({ Service, Checks }: HealthEntry): number {
  const indexes = (Checks ?? []).map(({ ModifyIndex = 0 }) => ModifyIndex);
  return Math.max(Service?.ModifyIndex ?? 0, ...indexes);
}

/** As go-micro `util/net` HostPort: without a port a name stands alone. */
function addressOf(host: string, port: number): string {
  if (port === 0 && isIP(host) === 0) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * What an agent is told of a node (go-plugins `registry/consul/consul.go` @ v2.9.1). Consul removes it for good
 * when its check has been critical for the TTL and five seconds, but never before a minute.
 */
export function registrationOf(service: Service, node: Node, ttlMs: number): object {
  const { host, port } = hostAndPort(node.address);
  const { metadata } = node;
  const removedAfterMs = (ttlMs < 60_000 ? 60_000 : ttlMs) + 5_000;
  return {
    ID: node.id,
    Name: service.name,
    Tags: encodeTags({ version: service.version, metadata, endpoints: service.endpoints }),
    Port: port,
    Address: host,
    ...(ttlMs > 0 && {
      Check: {
        TTL: formatDuration(ttlMs),
        DeregisterCriticalServiceAfter: formatDuration(removedAfterMs),
      },
    }),
  };
}

function hostAndPort(address: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain ?? "";
  return host === "" ? { host: address, port: Number(port ?? 0) } : { host, port: Number(port) };
}
