import { type Result, type Service, serviceToJson } from "ts-micro/registry";
import { keyOf, recordsOf } from "./records.ts";

/**
 * What one watch knows, and what it tells of what it learns. Owners announce their nodes again and again, changed or not, and say
 * nothing when they die: so only differences are told, and who doesn't answer is counted.
 */
export interface Follower {
  /** Somebody has announced. */
  learn(result: Result): void;
  /** A query to all owners begins. */
  round(): Round;
}

export interface Round {
  /** Somebody has answered. */
  hear(record: Service): void;
  /** All have answered who will. */
  end(): void;
}

export function newFollower(name: string | undefined, tell: (result: Result) => void): Follower {
  const known = new Map<string, { record: Service; text: string; missed: number }>();

  return {
    learn({ action, service }) {
      if (name !== undefined && service.name !== name) return;
      if (action === "delete") forget(service);
      else for (const record of recordsOf(service)) put(record);
    },
    round() {
      const answered = new Set<string>();
      return {
        hear(record) {
          if (name !== undefined && record.name !== name) return;
          answered.add(keyOf(record));
          put(record);
        },
        end() {
          for (const [key, entry] of known) {
            if (answered.has(key)) entry.missed = 0;
            else if (++entry.missed === missesOfTheDead) remove(key, entry.record);
          }
        },
      };
    },
  };

  function put(record: Service): void {
    const [key, text] = [keyOf(record), serviceToJson(record)];
    const before = known.get(key);
    known.set(key, { record, text, missed: 0 });
    if (before?.text === text) return;
    tell({ action: before === undefined ? "create" : "update", service: structuredClone(record) });
  }

  /** A record without nodes means all of its version. */
  function forget(service: Service): void {
    for (const [key, { record }] of known) {
      const { id } = record.nodes[0] ?? {};
      const same = record.name === service.name && record.version === service.version;
      const meant = service.nodes.length === 0 || service.nodes.some((node) => node.id === id);
      if (same && meant) remove(key, record);
    }
  }

  function remove(key: string, record: Service): void {
    known.delete(key);
    tell({ action: "delete", service: record });
  }
}

/** One answer may come too late, or its owner not be connected again yet. */
const missesOfTheDead = 2;
