import { MicroError } from "../errors.ts";
import type { Node, Service } from "../registry/registry.ts";
import type { Avoidance } from "./avoidance.ts";
import { keepNodesLeft, narrow, nodesLeft, nodesOf } from "./narrow.ts";
import type { Filter, Next, SelectOptions, Strategy } from "./selector.ts";
import { random } from "./strategies.ts";

/**
 * The way from the services that were found to the node of each attempt: filters, avoidance, strategy.
 * @throws MicroError 500 as `Selector.select` does, and that of a filter
 */
export function choose(
  service: string,
  services: readonly Service[],
  options: SelectOptions,
  avoidance: Avoidance,
  defaultStrategy: Strategy = random,
): Next {
  const filters = options.filters ?? noFilters;
  const nodes = nodesLeft(services, filters) ?? lookThrough(service, services, filters);
  return newNext(service, nodes, options.strategy ?? defaultStrategy, avoidance);
}

const noFilters: readonly Filter[] = Object.freeze([]);

function lookThrough(
  service: string,
  services: readonly Service[],
  filters: readonly Filter[],
): readonly Node[] {
  if (nodesOf(services).length === 0) throw serviceNotFound(service);
  const nodes = nodesOf(filtered(service, services, filters));
  if (nodes.length === 0) throw noneAvailable(service);
  keepNodesLeft(services, filters, nodes);
  return nodes;
}

/** What looking up or filtering threw, with go-micro's text: `error selecting greeter node: …`. */
export function selectionFailed(service: string, cause: unknown): MicroError {
  const error = MicroError.from(cause);
  // The caller's own doing, or its time limit: nothing went wrong with the selection.
  if (error.reason === "cancelled" || error.reason === "timeout") return error;
  const detail = `error selecting ${service} node: ${error.detail}`;
  const reason = error.reason ?? "no-node-available";
  return new MicroError({ id: "go.micro.client", code: 500, detail, reason, cause });
}

function filtered(service: string, services: readonly Service[], filters: readonly Filter[]) {
  try {
    return narrow(services, filters);
  } catch (error) {
    throw MicroError.is(error) ? error : selectionFailed(service, error);
  }
}

/** go-micro's text: `service greeter: not found`. */
function serviceNotFound(service: string): MicroError {
  const detail = `service ${service}: not found`;
  return new MicroError({ id: "go.micro.client", code: 500, detail, reason: "service-not-found" });
}

function noneAvailable(service: string): MicroError {
  const detail = `error selecting ${service} node: none available`;
  return new MicroError({ id: "go.micro.client", code: 500, detail, reason: "no-node-available" });
}

function newNext(service: string, nodes: readonly Node[], strategy: Strategy, avoidance: Avoidance): Next {
  let given: Node | undefined;
  let tried = noNodes;
  return () => {
    // Most calls want one node only, and for those no list is made.
    if (given !== undefined) tried = [...tried, given];
    let left = tried === noNodes ? nodes : nodes.filter((node) => !tried.includes(node));
    if (left.length === 0) {
      tried = noNodes;
      left = nodes;
    }
    const good = avoidance.available(service, left);
    // A node that failed may still be better than none, and than one that failed in this very call.
    const node = strategy(service, good.length === 0 ? left : good);
    avoidance.picked(service, node);
    given = node;
    return node;
  };
}

const noNodes: readonly Node[] = [];
