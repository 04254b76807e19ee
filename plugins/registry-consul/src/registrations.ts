import type { Node, Service } from "ts-micro/registry";
import type { HttpAgent } from "ts-micro/transport";
import type { Agents } from "./agents.ts";
import { ConsulError } from "./consul-error.ts";
import { deregisterPath, passPath, registerPath } from "./paths.ts";
import { registrationOf } from "./record.ts";

/**
 * Nodes at the agents. Each registration says everything and passes the check, so that it also repairs what was lost:
 * the agent's data, the check that went critical, the entry that others have changed. An agent that is told what
 * it knows tells nobody.
 */
export class Registrations {
  readonly #agents: Agents;
  /** Where a node was registered: after a failover at more than one. */
  readonly #holders = new Map<string, Set<HttpAgent>>();

  constructor(agents: Agents) {
    this.#agents = agents;
  }

  async put(service: Service, node: Node, ttlMs: number): Promise<void> {
    const registration = registrationOf(service, node, ttlMs);
    for (let isFirst = true; ; isFirst = false) {
      const agent = await this.#agents.put(registerPath, registration);
      this.#holders.set(node.id, (this.#holders.get(node.id) ?? new Set()).add(agent));
      if (ttlMs <= 0) return;
      try {
        await this.#agents.put(passPath(node.id));
        return;
      } catch (error) {
        // Another agent was asked than the one that has it.
        if (!isUnknown(error) || !isFirst) throw error;
      }
    }
  }

  async delete({ id }: Node): Promise<void> {
    const { present } = this.#agents;
    const others = [...(this.#holders.get(id) ?? [])].filter((agent) => agent !== present);
    this.#holders.delete(id);
    // An agent that is down forgets the node by its TTL.
    await Promise.all(others.map((agent) => this.#agents.putTo(agent, deregisterPath(id)).catch(() => {})));
    try {
      await this.#agents.put(deregisterPath(id));
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }
}

/** 404 since Consul 1.11, 500 with words before; not there is where it should be. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof ConsulError &&
    (error.status === 404 || /unknown (service|check)|does not have associated TTL/i.test(error.message))
  );
}
