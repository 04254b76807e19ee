import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { newMdnsRegistry, newMemoryRegistry, newRegistryCache } from "ts-micro/registry";
import { registryConformance } from "../src/index.ts";

const hub = randomUUID();
const memory = () => newMemoryRegistry({ addresses: [hub] });

registryConformance("memory", { create: memory });

registryConformance("cache over memory", {
  create: () => {
    const registry = memory();
    const cache = newRegistryCache({ registry: () => registry });
    return { ...cache, close: async () => void (await Promise.all([cache.close(), registry.close()])) };
  },
});

const mdnsSupports = { serviceMetadata: false, listsVersions: false, survivesClose: false, ttlMs: undefined };

registryConformance("mdns", {
  // A port of its own keeps the suite apart from the machine's.
  start: freePort,
  create: ({ port }) => newMdnsRegistry({ port, timeoutMs: 300 }),
  supports: mdnsSupports,
});

async function freePort(): Promise<{ port: number }> {
  const socket = createSocket("udp4").bind(0);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return { port };
}
