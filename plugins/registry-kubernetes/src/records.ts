import type { NodeEntry, Service } from "ts-micro/registry";

/**
 * The records of both sources. A node that stands on its pod says more than the endpoint of the same address, which is
 * left out.
 */
export function joined(onPods: readonly Service[], inSlices: readonly Service[]): Service[] {
  const known = new Set(
    onPods.flatMap(({ name, nodes }) => nodes.map(({ address }) => `${name} ${address}`)),
  );
  const others = inSlices
    .map((record) => ({
      ...record,
      nodes: record.nodes.filter(({ address }) => !known.has(`${record.name} ${address}`)),
    }))
    .filter(({ nodes }) => nodes.length > 0);
  return [...onPods, ...others].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** An entry for each node, by its name and id: one that is registered with another version has changed. */
export function entriesOf(records: readonly Service[]): NodeEntry[] {
  return records.flatMap((service) =>
    service.nodes.map((node): NodeEntry => {
      return [JSON.stringify([service.name, node.id]), { ...service, nodes: [node] }];
    }),
  );
}
