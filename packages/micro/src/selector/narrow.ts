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
