import { setTimeout as pause } from "node:timers/promises";
import type { Result, Service, Watcher } from "ts-micro/registry";

/** A record with one node for each id. */
export function greeter(name: string, ...ids: string[]): Service {
  const nodes = ids.map((id) => ({ id: `${name}-${id}`, address: "10.0.0.1:8000", metadata: {} }));
  return { name, version: "1", metadata: {}, endpoints: [], nodes };
}

/** `create a`, as they come. */
export function record(watcher: Watcher): string[] {
  const told: string[] = [];
  const say = ({ action, service }: Result): void => {
    for (const { id } of service.nodes) told.push(`${action} ${id.split("-").at(-1)}`);
  };
  void (async () => {
    for await (const result of watcher) say(result);
  })();
  return told;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(10);
}
