import type { Node } from "../registry/registry.ts";

/** Which addresses were dialled for which service, so that connections to nodes that leave it are not used again. */
export class DialledAddresses {
  readonly #byService = new Map<string, Set<string>>();

  /** Idempotent. */
  add(service: string, address: string): void {
    const addresses = this.#byService.get(service);
    if (addresses === undefined) this.#byService.set(service, new Set([address]));
    else addresses.add(address);
  }

  /** The service has only these nodes now: forgets its other addresses, and gives them. */
  keepOnly(service: string, nodes: readonly Node[]): string[] {
    const addresses = this.#byService.get(service);
    if (addresses === undefined) return [];
    const present = new Set(nodes.map((node) => node.address));
    const left = [...addresses].filter((address) => !present.has(address));
    for (const address of left) addresses.delete(address);
    if (addresses.size === 0) this.#byService.delete(service);
    return left;
  }
}
