import type { MicroError } from "../errors.ts";
import { nodeToJson } from "../registry/json.ts";
import type { Node } from "../registry/registry.ts";

/** For selectors that avoid failing nodes. */
export interface AvoidanceOptions {
  /** How long a node is avoided after its first failure, in milliseconds; doubled with each further one. @default 1_000 */
  avoidMs?: number;
  /** The longest time for which a node is avoided, in milliseconds. @default 30_000 */
  maxAvoidMs?: number;
  /** The clock, in milliseconds. @default performance.now */
  now?: () => number;
}

/** Calls that may run into their time limit one after the other before their node is held to be the cause. */
const maxTimeouts = 3;

/** A probe that nobody reported on for this long is over, in milliseconds. Longer than most calls take. */
const probeMs = 10_000;

interface Trouble {
  /** As it was when it failed. Registered anew with other contents, it is another node. */
  readonly node: Node;
  failures: number;
  /** In a row, since the last failure. */
  timeouts: number;
  avoidUntil: number;
  /** Somebody tries whether the node works again; all others wait for the outcome. */
  probeUntil: number;
}

/**
 * Remembers which nodes failed. A node that can't be reached is avoided for a while, then one call may try it:
 * when that goes well the node is as good as any, otherwise it is avoided twice as long.
 */
export class Avoidance {
  /** Service → node id. Only services in trouble have an entry. */
  readonly #troubles = new Map<string, Map<string, Trouble>>();
  readonly #avoidMs: number;
  readonly #maxAvoidMs: number;
  readonly #now: () => number;

  constructor(options: AvoidanceOptions = {}) {
    this.#avoidMs = options.avoidMs ?? 1_000;
    this.#maxAvoidMs = options.maxAvoidMs ?? 30_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The nodes that need not be avoided now; perhaps none. The very same array when there is no trouble. */
  available(service: string, nodes: readonly Node[]): readonly Node[] {
    const troubles = this.#of(service);
    if (troubles === undefined) return nodes;
    const now = this.#now();
    return nodes.filter(({ id }) => {
      const trouble = troubles.get(id);
      return trouble === undefined || (now >= trouble.avoidUntil && now >= trouble.probeUntil);
    });
  }

  /** The node is about to be used: if it was avoided, this is the probe. */
  picked(service: string, node: Node): void {
    const trouble = this.#of(service)?.get(node.id);
    if (trouble !== undefined && trouble.failures > 0) trouble.probeUntil = this.#now() + probeMs;
  }

  /** A use of the node ended. True when the node is avoided from now on because of it. */
  mark(service: string, node: Node, error?: MicroError): boolean {
    const verdict = error === undefined ? "works" : verdictOf(error);
    const known = this.#of(service)?.get(node.id);
    if (verdict === "works") {
      // Of a node that failed only a probe tells anything: other answers left it before.
      if (known !== undefined && (known.failures === 0 || known.probeUntil > 0))
        this.#forget(service, node.id);
      return false;
    }
    if (verdict === "unknown") {
      if (known !== undefined) known.probeUntil = 0;
      return false;
    }
    const trouble = known ?? this.#add(service, node);
    // Of many calls that fail together, the first one counts.
    if (this.#now() < trouble.avoidUntil) return false;
    trouble.probeUntil = 0;
    if (verdict === "slow" && ++trouble.timeouts < maxTimeouts) return false;
    trouble.timeouts = 0;
    trouble.failures++;
    const wait = Math.min(this.#avoidMs * 2 ** (trouble.failures - 1), this.#maxAvoidMs);
    // Jitter, so that the clients of a node don't all come back to it at once.
    trouble.avoidUntil = this.#now() + wait * (0.75 + 0.25 * Math.random());
    return true;
  }

  /** The service has these nodes now: who went, or came back as another, starts with a clean slate. */
  keep(service: string, nodes: readonly Node[]): void {
    const troubles = this.#troubles.get(service);
    if (troubles === undefined) return;
    const present = new Map(nodes.map((node) => [node.id, nodeToJson(node)]));
    for (const [id, { node }] of [...troubles]) {
      if (present.get(id) !== nodeToJson(node)) this.#forget(service, id);
    }
  }

  reset(service: string): void {
    this.#troubles.delete(service);
  }

  clear(): void {
    this.#troubles.clear();
  }

  #of(service: string): Map<string, Trouble> | undefined {
    // Asked three times in each call, and almost always there is none at all.
    return this.#troubles.size === 0 ? undefined : this.#troubles.get(service);
  }

  #add(service: string, node: Node): Trouble {
    const troubles = this.#troubles.get(service) ?? new Map<string, Trouble>();
    this.#troubles.set(service, troubles);
    const trouble = { node, failures: 0, timeouts: 0, avoidUntil: 0, probeUntil: 0 };
    troubles.set(node.id, trouble);
    return trouble;
  }

  #forget(service: string, id: string): void {
    const troubles = this.#troubles.get(service);
    troubles?.delete(id);
    if (troubles?.size === 0) this.#troubles.delete(service);
  }
}

/** What an error says about the node: it is down, too slow, works (a handler answered), or nothing. */
function verdictOf({ reason, code }: MicroError): "down" | "slow" | "works" | "unknown" {
  switch (reason) {
    case "connection-failed":
    case "connection-lost":
    case "draining":
      return "down";
    case "timeout":
      return "slow";
    case undefined:
      // From the other side. Unavailable, or a proxy that found nobody behind it.
      return code === 502 || code === 503 || code === 504 ? "down" : "works";
    case "decode-failed":
      return "works";
    default:
      return "unknown";
  }
}
