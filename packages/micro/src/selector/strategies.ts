import type { Node } from "../registry/registry.ts";
import type { Strategy } from "./selector.ts";

/** Any node, each as likely as the others. */
export const random: Strategy = (_service, nodes) => nodeAt(nodes, Math.floor(Math.random() * nodes.length));

/** One after the other, over all calls of this process. Use `newRoundRobin` for a turn of one's own. */
export const roundRobin: Strategy = newRoundRobin();

/**
 * Gives the node that wasn't given for longest; the first time any of those that never were. So the turn stays
 * right whichever nodes filters leave, and while nodes come and go. (go-micro's begins anew with each call, at a
 * random node.)
 */
export function newRoundRobin(): Strategy {
  const services = new Map<string, Map<string, number>>();
  let clock = 0;
  return (service, nodes) => {
    let turns = services.get(service);
    // Far more than there are nodes now: most of them have gone. Nodes that a filter left out lose their turn.
    if (turns === undefined || turns.size > 4 * nodes.length + 64) {
      turns = new Map(nodes.map(({ id }) => [id, turns?.get(id) ?? 0]));
      services.set(service, turns);
    }
    const start = Math.floor(Math.random() * nodes.length);
    let chosen = nodeAt(nodes, start);
    let oldest = turns.get(chosen.id) ?? 0;
    for (let step = 1; step < nodes.length && oldest > 0; step++) {
      const node = nodeAt(nodes, (start + step) % nodes.length);
      const turn = turns.get(node.id) ?? 0;
      if (turn < oldest) {
        chosen = node;
        oldest = turn;
      }
    }
    turns.set(chosen.id, ++clock);
    return chosen;
  };
}

function nodeAt(nodes: readonly Node[], index: number): Node {
  const node = nodes[index];
  if (node === undefined) throw new RangeError("a strategy needs at least one node to choose from");
  return node;
}
