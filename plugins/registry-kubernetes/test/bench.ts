import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { certificate, type KubernetesServer } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Registry, Service, Watcher } from "ts-micro/registry";
import { type KubernetesRegistryOptions, newRegistry } from "../src/index.ts";

/** No test waits longer for anything; only to end a hang. */
const longestWaitMs = 60_000;

export const pods = "/api/v1/namespaces/default/pods";

/** A pod without a node to run on, which only says that it runs. */
export async function startPod(server: KubernetesServer, name: string): Promise<void> {
  const spec = { containers: [{ name: "main", image: "none" }] };
  await server.ask("POST", pods, { apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
  await setPhase(server, name, "Running");
}

export async function setPhase(server: KubernetesServer, name: string, phase: string): Promise<void> {
  await server.ask("PATCH", `${pods}/${name}/status`, { status: { phase } });
}

/** A registry in that pod, as far as it can tell. */
export function registryOn(
  server: KubernetesServer,
  podName: string,
  options: KubernetesRegistryOptions = {},
): Registry {
  const tls = { ca: certificate("ca") };
  return newRegistry({ addresses: [server.address], token: server.adminToken, tls, podName, ...options });
}

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
      for (const { id } of service.nodes) changes.push(`${action} ${id.replace(`${service.name}-`, "")}`);
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

/** The last parts of the ids of the nodes that are found, sorted; empty while nobody can be asked. */
export async function found(registry: Registry, name: string): Promise<string[]> {
  const services = await registry.getService(name).catch(() => []);
  return services.flatMap(({ nodes }) => nodes.map(({ id }) => id.replace(`${name}-`, ""))).sort();
}

/** A logger whose lines can be looked at. */
export function recordedLogger() {
  const lines: string[] = [];
  return { lines, logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }) };
}
