import { byVersion, fingerprint, withNodes } from "./record.ts";
import type { Result, Service } from "./registry.ts";

/** Everything known of one service: one record per version, sorted. Never changed, only replaced. */
export type Snapshot = readonly Service[];

/** The snapshot after a change. A node that comes is taken out of the version in which it was before. */
export function applyChange(services: Snapshot, { action, service }: Result): Snapshot {
  if (action === "delete" && service.nodes.length === 0) return [];
  const named = new Set(service.nodes.map((node) => node.id));
  const others = services
    .map((known) =>
      withNodes(
        known,
        known.nodes.filter((node) => !named.has(node.id)),
      ),
    )
    .filter((known) => known.nodes.length > 0);
  return byVersion(action === "delete" ? others : [...others, service]);
}

/** The records in the form of a snapshot: sorted, and without versions that nobody serves. */
export function snapshotOf(services: readonly Service[]): Snapshot {
  return byVersion(services.filter((service) => service.nodes.length > 0));
}

export function isSame(a: Snapshot, b: Snapshot): boolean {
  return (
    a.length === b.length && a.every((service, index) => fingerprint(service) === fingerprint(b[index]!))
  );
}
