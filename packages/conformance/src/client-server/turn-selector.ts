import { internalServerError, type MicroError } from "ts-micro";
import type { Node, Registry, Service } from "ts-micro/registry";
import type { Selector } from "ts-micro/selector";

/** What a client said about an attempt. */
export interface Mark {
  readonly address: string;
  readonly error: MicroError | undefined;
}

export interface TurnSelector extends Selector {
  readonly marks: readonly Mark[];
}

/**
 * A selector without chance: asks the registry for each call, begins with the first node, and gives the others in
 * turn to the attempts after it. Remembers what clients said.
 */
export function newTurnSelector(registry: Registry): TurnSelector {
  const marks: Mark[] = [];
  return {
    name: "turn",
    marks,
    async select(service, { filters = [] } = {}) {
      const found = await registry.getService(service);
      if (found.length === 0) {
        throw internalServerError("go.micro.client", `service ${service}: not found`, {
          reason: "service-not-found",
        });
      }
      const left = filters.reduce<readonly Service[]>((services, filter) => filter(services), found);
      const nodes: Node[] = left.flatMap((each) => each.nodes).sort((a, b) => (a.id < b.id ? -1 : 1));
      if (nodes.length === 0) {
        throw internalServerError("go.micro.client", `service ${service}: none available`, {
          reason: "no-node-available",
        });
      }
      let turn = 0;
      return () => nodes[turn++ % nodes.length] as Node;
    },
    mark(_service, node, error) {
      marks.push({ address: node.address, error });
    },
    reset() {},
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
}
