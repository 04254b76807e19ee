/**
 * What all registries do with records, whatever carries them.
 */
import { badRequest } from "../errors.ts";
import { endpointsToJson, metadataToJson, nodeToJson } from "./json.ts";
import type { Node, Service } from "./registry.ts";

/**
 * Refuses a record that some registry could not carry, so that a service that runs on one runs on all.
 * @throws MicroError 400 naming what is missing.
 */
export function checkService(service: Service): void {
  const { name, version, nodes } = service;
  if (name === "") throw badRequest("go.micro.registry", "a service needs a name to be registered");
  if (version === "") {
    throw badRequest("go.micro.registry", `service ${name}: its version is empty; "latest" is the usual one`);
  }
  if (nodes.length === 0)
    throw badRequest("go.micro.registry", `service ${name}: it has no node to register`);
  for (const { id, address } of nodes) {
    if (id === "") throw badRequest("go.micro.registry", `service ${name}: the node at ${address} has no id`);
    if (address === "") throw badRequest("go.micro.registry", `service ${name}: node ${id} has no address`);
  }
}

/** The record of one node: that of its service, with this node alone. */
export function withNodes(service: Service, nodes: readonly Node[]): Service {
  return { ...service, nodes: [...nodes] };
}

/** A text that is equal for records that say the same about the service and its nodes. */
export function fingerprint(service: Service): string {
  const { name, version, metadata, endpoints, nodes } = service;
  return JSON.stringify([
    name,
    version,
    metadataToJson(metadata),
    endpointsToJson(endpoints),
    ...nodes.map(nodeToJson),
  ]);
}

/**
 * Puts records of single nodes together: one record per version, sorted by version, nodes by id. Of
 * metadata and endpoints the last record's count, so hand them over oldest first.
 */
export function byVersion(records: Iterable<Service>): Service[] {
  const versions = new Map<string, Service>();
  for (const record of records) {
    const nodes = [...(versions.get(record.version)?.nodes ?? []), ...record.nodes];
    versions.set(record.version, withNodes(record, nodes));
  }
  const services = [...versions.values()].sort((a, b) => compare(a.version, b.version));
  for (const service of services) service.nodes.sort((a, b) => compare(a.id, b.id));
  return services;
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
