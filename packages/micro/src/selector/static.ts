import type { Service } from "../registry/registry.ts";
import { Avoidance, type AvoidanceOptions } from "./avoidance.ts";
import { choose } from "./chooser.ts";
import { anyProtocol } from "./filters.ts";
import type { Selector, SelectorOptions } from "./selector.ts";

/** With `addresses`, these are the nodes of every service. */
export interface StaticSelectorOptions extends SelectorOptions, AvoidanceOptions {}

/**
 * Asks nobody: the name of the service is its address, `client.call({ service: "10.0.0.7:8080", … })`, unless
 * `addresses` are given. Nothing is known of the nodes, so filters are not asked, as in go-micro
 * (`client/selector/static/static.go`).
 */
export function newStaticSelector(options: StaticSelectorOptions = {}): Selector {
  const { strategy, addresses = [] } = options;
  const avoidance = new Avoidance(options);
  const given = addresses.length === 0 ? undefined : [serviceAt(addresses)];
  const close = async (): Promise<void> => avoidance.clear();
  return {
    name: "static",
    select(service, selectOptions = {}) {
      const unfiltered = selectOptions.strategy === undefined ? {} : { strategy: selectOptions.strategy };
      return choose(service, given ?? [serviceAt([service])], unfiltered, avoidance, strategy);
    },
    mark: (service, node, error) => void avoidance.mark(service, node, error),
    reset: (service) => avoidance.reset(service),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function serviceAt(addresses: readonly string[]): Service {
  const nodes = addresses.map((address) => ({ id: address, address, metadata: { protocol: anyProtocol } }));
  return { name: "", version: "", metadata: {}, endpoints: [], nodes };
}
