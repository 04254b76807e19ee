import { type Service, serviceToJson, withNodes } from "ts-micro/registry";
import { byNameAndVersion } from "./records.ts";
import type { Query } from "./subjects.ts";

/** The nodes that are registered here, for which this process answers. */
export interface Own {
  readonly size: number;
  /** @returns what was there of these nodes with another version, and has to be told as deleted */
  put(service: Service, ttlMs: number | undefined): Service[];
  /** @returns the record as it was registered; `undefined` for a node that isn't ours */
  take(name: string, id: string): Service | undefined;
  /** Takes nodes of this version away that somebody else has deregistered. */
  drop(service: Service): void;
  /** What an owner answers: one text for each version. */
  answers(query: Query): string[];
  all(): Service[];
  clear(): void;
}

/** @param onExpired told when a node was not registered again in time */
export function newOwn(onExpired: (record: Service) => void): Own {
  const entries = new Map<string, { record: Service; expiry: NodeJS.Timeout | undefined }>();
  const keyOf = (name: string, id: string): string => JSON.stringify([name, id]);

  return {
    get size() {
      return entries.size;
    },
    put(service, ttlMs) {
      const left: Service[] = [];
      for (const node of service.nodes) {
        const before = take(service.name, node.id);
        if (before !== undefined && before.version !== service.version) left.push(before);
        const record = structuredClone(withNodes(service, [node]));
        const expire = (): void => {
          const expired = take(service.name, node.id);
          if (expired !== undefined) onExpired(expired);
        };
        // Node fires longer timers at once.
        const expiry =
          ttlMs === undefined || ttlMs <= 0
            ? undefined
            : setTimeout(expire, Math.min(ttlMs, 0x7fff_ffff)).unref();
        entries.set(keyOf(service.name, node.id), { record, expiry });
      }
      return left;
    },
    take,
    drop({ name, version, nodes }) {
      for (const { id } of nodes) {
        if (entries.get(keyOf(name, id))?.record.version === version) take(name, id);
      }
    },
    answers(query) {
      const asked = all().filter(({ name }) => query === "all" || name === query.name);
      return byNameAndVersion(asked).map(serviceToJson);
    },
    all,
    clear() {
      for (const { expiry } of entries.values()) clearTimeout(expiry);
      entries.clear();
    },
  };

  function take(name: string, id: string): Service | undefined {
    const entry = entries.get(keyOf(name, id));
    clearTimeout(entry?.expiry);
    entries.delete(keyOf(name, id));
    return entry?.record;
  }

  function all(): Service[] {
    return [...entries.values()].map(({ record }) => record);
  }
}
