import { KnownNodes, nodeEntries, type Result, type Service } from "ts-micro/registry";
import { recordsOf } from "./records.ts";

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
  const known = new KnownNodes(tell);
  /** How many rounds in a row a node has not answered, where it is any. */
  let missed = new Map<string, number>();

  /** @returns the keys of the nodes in it */
  function hear(record: Service): string[] {
    return nodeEntries([record]).map((entry) => {
      missed.delete(entry[0]);
      known.put(...entry);
      return entry[0];
    });
  }

  return {
    learn({ action, service }) {
      if (name !== undefined && service.name !== name) return;
      if (action === "delete") known.apply({ action, service });
      else for (const record of recordsOf(service)) hear(record);
    },
    round() {
      const answered = new Set<string>();
      return {
        hear(record) {
          if (name !== undefined && record.name !== name) return;
          for (const key of hear(record)) answered.add(key);
        },
        end() {
          const before = missed;
          missed = new Map();
          for (const key of known.keys()) {
            if (answered.has(key)) continue;
            const rounds = (before.get(key) ?? 0) + 1;
            if (rounds === missesOfTheDead) known.remove(key);
            else missed.set(key, rounds);
          }
        },
      };
    },
  };
}

/** One answer may come too late, or its owner not be connected again yet. */
const missesOfTheDead = 2;
