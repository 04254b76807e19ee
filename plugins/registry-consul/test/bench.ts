import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { newLogger } from "ts-micro";
import type { Registry, Service, Watcher } from "ts-micro/registry";

/** No test waits longer for anything; only to end a hang. */
const longestWaitMs = 60_000;

export function serviceOf(name: string, ...ids: string[]): Service {
  return {
    name,
    version: "1.0.0",
    metadata: {},
    endpoints: [],
    nodes: ids.map((id, index) => ({
      id: `${name}-${id}`,
      address: `10.0.0.1:${8000 + index}`,
      metadata: {},
    })),
  };
}

/** Records what `watcher` tells, as `create a`, in `changes`. */
export function record(watcher: Watcher): { changes: string[] } {
  const changes: string[] = [];
  void (async () => {
    for await (const { action, service } of watcher) {
      for (const { id } of service.nodes) changes.push(`${action} ${id.slice(service.name.length + 1)}`);
    }
    changes.push("end");
  })().catch((error) => changes.push(String(error)));
  return { changes };
}

/** Asks until `wanted` holds. */
export async function until(what: string, wanted: () => boolean | Promise<boolean>): Promise<void> {
  const stopAt = performance.now() + longestWaitMs;
  while (!(await wanted())) {
    if (performance.now() > stopAt) assert.fail(`in vain: ${what}`);
    await pause(20);
  }
}

/** The last parts of the ids of the nodes that are found, sorted; empty while Consul can't be asked. */
export async function found(registry: Registry, name: string): Promise<string[]> {
  const services = await registry.getService(name).catch(() => []);
  return services.flatMap(({ nodes }) => nodes.map(({ id }) => id.slice(name.length + 1))).sort();
}

/** A logger whose lines can be looked at. */
export function recordedLogger() {
  const lines: string[] = [];
  return { lines, logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }) };
}

/** Consul's own answer, without the code under test. */
export async function ask(
  address: string,
  path: string,
  { method = "GET", body, token }: { method?: string; body?: object; token?: string } = {},
): Promise<unknown> {
  const response = await fetch(`http://${address}/v1/${path}`, {
    method,
    headers: token === undefined ? {} : { "x-consul-token": token },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${path}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
