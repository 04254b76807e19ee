import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { newLogger } from "ts-micro";
import type { Service, Watcher } from "ts-micro/registry";

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

/** A logger whose lines can be looked at. */
export function recordedLogger() {
  const lines: string[] = [];
  return { lines, logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }) };
}

/** etcd's own answer, without the code under test. */
export async function ask(address: string, method: string, body: object, token?: string): Promise<unknown> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
  const response = await fetch(`http://${address}/v3/${method}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  assert.equal(response.status, 200, `${method}: ${JSON.stringify(answer)}`);
  return answer;
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
