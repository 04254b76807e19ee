import { randomUUID } from "node:crypto";
import { registryConformance } from "../../src/index.ts";
import type { MutationList } from "../mutation.ts";

const hub = randomUUID();

export const mutations: MutationList<typeof import("ts-micro/registry")> = {
  entries: ["registry/index.js"],
  suite: ({ newMemoryRegistry }) =>
    registryConformance("memory", {
      create: () => newMemoryRegistry({ addresses: [hub] }),
      timeoutMs: 3_000,
    }),
  mutations: [
    [
      "registry/memory.js",
      "hub.register(structuredClone(service), registerOptions)",
      "hub.register(service, registerOptions)",
      "what is handed in isn't copied",
    ],
    [
      "registry/memory.js",
      "return structuredClone(hub.services(name));",
      "return hub.services(name);",
      "what is handed out isn't copied",
    ],
    [
      "registry/memory.js",
      "queue.push(structuredClone(result))",
      "queue.push(result)",
      "watchers share what they are told",
    ],
    ["registry/memory.js", "checkService(service);", "", "records that lack something are taken"],
    [
      "registry/memory.js",
      "new Set(service.nodes.map((node) => node.id))",
      "new Set(hub.nodes.get(service.name)?.keys())",
      "deregistering a node takes all of them away",
    ],
    [
      "registry/memory.js",
      "else if (fingerprint(known.record) !== fingerprint(record))",
      "else",
      "a renewal is told as a change",
    ],
    ["registry/memory.js", "clearTimeout(known?.expiry);", "", "a renewed node goes with its first TTL"],
    ["registry/memory.js", "node.id, options.ttlMs)", "node.id, undefined)", "a TTL is ignored"],
    [
      "registry/memory.js",
      "() => this.remove(name, new Set([id]))",
      "() => this.nodes.get(name)?.delete(id)",
      "nobody is told of a node that expires",
    ],
    [
      "registry/memory.js",
      "() => this.remove(name, new Set([id]))",
      "() => this.remove(name, new Set(this.nodes.get(name)?.keys()))",
      "all nodes expire with the first",
    ],
    [
      "registry/memory.js",
      "if (created.length > 0)",
      "if (created.length > 1)",
      "a single new node isn't told",
    ],
    [
      "registry/memory.js",
      "if (updated.length > 0)",
      "if (updated.length > 1)",
      "a change of one node isn't told",
    ],
    [
      "registry/memory.js",
      '{ action: "update", service: withNodes(service, updated) }',
      '{ action: "create", service: withNodes(service, updated) }',
      "a change is told as a new node",
    ],
    [
      "registry/memory.js",
      '{ action: "create", service: withNodes(service, created) }',
      '{ action: "create", service: withNodes(service, []) }',
      "a new node is told without itself",
    ],
    [
      "registry/memory.js",
      "byVersion(removed)",
      "byVersion(removed.slice(1))",
      "the end of a node isn't told",
    ],
    ["registry/memory.js", ".sort(compare)", "", "services are listed in any order"],
    ["registry/memory.js", "queue.end();", "void queue;", "watchers outlive their registry"],
    ["registry/memory.js", "hubs.get(name) ?? new Hub()", "new Hub()", "registries don't share a hub"],
    [
      "registry/watcher.js",
      "(service !== undefined && service !== result.service.name)",
      'service === ""',
      "a watcher hears of other services",
    ],
    [
      "registry/watcher.js",
      "const result = waiting.shift();",
      "const result = waiting.pop();",
      "changes are told in the wrong order",
    ],
    [
      "registry/watcher.js",
      'else\n        signal?.addEventListener("abort", end, { once: true });',
      "",
      "a signal doesn't end a watcher",
    ],
    [
      "registry/watcher.js",
      "if (signal?.aborted)",
      "if (signal === null)",
      "a signal that came early is ignored",
    ],
    [
      "registry/watcher.js",
      "async return() {\n                end();",
      "async return() {",
      "leaving the loop doesn't end the watcher",
    ],
    ["registry/watcher.js", "waiting.length = 0;", "", "a watcher that is closed goes on telling"],
    [
      "registry/watcher.js",
      "reader.resolve({ done: true, value: undefined });\n    }\n    function fail",
      "{ }\n    }\n    function fail",
      "who waits for a change waits for ever",
    ],
    [
      "registry/record.js",
      'if (address === "")',
      "if (address === undefined)",
      "a node without an address is taken",
    ],
    [
      "registry/record.js",
      'if (version === "")',
      "if (version === undefined)",
      "a service without a version is taken",
    ],
    ["registry/record.js", "endpointsToJson(endpoints),", "", "a change of endpoints isn't told"],
    [
      "registry/record.js",
      "...(versions.get(record.version)?.nodes ?? []), ...record.nodes",
      "...record.nodes",
      "only the last node of a version is found",
    ],
    [
      "registry/record.js",
      "versions.get(record.version)?.nodes",
      "[...versions.values()].at(-1)?.nodes",
      "nodes are found under another version, too",
    ],
  ],
};
