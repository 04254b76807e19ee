import { byVersion, type Service } from "ts-micro/registry";

/** A service as its owner tells of it, as records of single nodes. What lacks an identity is left out. */
export function recordsOf(service: Service): Service[] {
  if (service.name === "") return [];
  return service.nodes
    .filter(({ id, address }) => id !== "" && address !== "")
    .map((node) => ({ ...service, nodes: [node] }));
}

/** What tells a record of one node from all others. */
export function keyOf({ name, version, nodes }: Service): string {
  return JSON.stringify([name, version, nodes[0]?.id]);
}

/** Puts records of single nodes together: one per service and version, sorted. */
export function byNameAndVersion(records: readonly Service[]): Service[] {
  const names = new Map<string, Service[]>();
  for (const record of records) names.set(record.name, [...(names.get(record.name) ?? []), record]);
  return [...names.keys()].sort().flatMap((name) => byVersion(names.get(name) ?? []));
}
