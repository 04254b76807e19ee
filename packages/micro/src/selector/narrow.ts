import type { Node, Service } from "../registry/registry.ts";
import type { Filter } from "./selector.ts";

const pureFilters = new WeakSet<Filter>();

/**
 * Marks a filter whose result depends on nothing but the services. Then it runs once per change of the
 * services, not once per call.
 */
export function pure(filter: Filter): Filter {
  pureFilters.add(filter);
  return filter;
}

const filteredBy = new WeakMap<readonly Service[], WeakMap<Filter, readonly Service[]>>();
const nodesOfAll = new WeakMap<readonly Service[], readonly Node[]>();

/** What the filters leave, in their order. The same array for the same services and pure filters. */
export function narrow(services: readonly Service[], filters: readonly Filter[]): readonly Service[] {
  let left = services;
  for (const filter of filters) left = pureFilters.has(filter) ? remembered(left, filter) : filter(left);
  return left;
}

/** The nodes of all versions. The same array for the same services. */
export function nodesOf(services: readonly Service[]): readonly Node[] {
  let nodes = nodesOfAll.get(services);
  if (nodes === undefined) {
    nodes = services.flatMap((service) => service.nodes);
    nodesOfAll.set(services, nodes);
  }
  return nodes;
}

const lastNarrowed = new WeakMap<
  readonly Service[],
  { readonly filters: readonly Filter[]; readonly nodes: readonly Node[] }
>();

/** The nodes that a list of filters was last seen to leave of the services, if it was this list. */
export function nodesLeft(
  services: readonly Service[],
  filters: readonly Filter[],
): readonly Node[] | undefined {
  const last = lastNarrowed.get(services);
  return last?.filters === filters ? last.nodes : undefined;
}

/** For `nodesLeft`, where that can't change: a frozen list of pure filters, as clients have for most of their calls. */
export function keepNodesLeft(
  services: readonly Service[],
  filters: readonly Filter[],
  nodes: readonly Node[],
): void {
  if (!Object.isFrozen(filters) || !filters.every((filter) => pureFilters.has(filter))) return;
  lastNarrowed.set(services, { filters, nodes });
}

function remembered(services: readonly Service[], filter: Filter): readonly Service[] {
  const results = filteredBy.get(services) ?? new WeakMap<Filter, readonly Service[]>();
  filteredBy.set(services, results);
  let left = results.get(filter);
  if (left === undefined) {
    left = filter(services);
    results.set(filter, left);
  }
  return left;
}
