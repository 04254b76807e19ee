import { type Result, type Service, serviceToJson } from "ts-micro/registry";

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

interface Known {
  readonly text: string;
  readonly record: Service;
}

/** Tells how one state of the records differs from the one before, node by node. */
export class Changes {
  readonly #onChange: (change: Result) => void;
  #known = new Map<string, Known>();

  constructor(onChange: (change: Result) => void) {
    this.#onChange = onChange;
  }

  /** What is there from the beginning is told to nobody. */
  begin(records: readonly Service[]): void {
    this.#known = byNode(records);
  }

  take(records: readonly Service[]): void {
    const before = this.#known;
    this.#known = byNode(records);
    for (const [key, { text, record }] of this.#known) {
      const old = before.get(key);
      if (old?.text === text) continue;
      this.#tell({ action: old === undefined ? "create" : "update", service: record });
    }
    for (const [key, { record }] of before) {
      if (!this.#known.has(key)) this.#tell({ action: "delete", service: record });
    }
  }

  #tell(change: Result): void {
    this.#onChange(structuredClone(change));
  }
}

function byNode(records: readonly Service[]): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const service of records) {
    for (const node of service.nodes) {
      const record = { ...service, nodes: [node] };
      known.set(JSON.stringify([service.name, node.id]), { text: serviceToJson(record), record });
    }
  }
  return known;
}
