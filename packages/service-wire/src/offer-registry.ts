import { notFound } from "ts-micro";
import type { Registry } from "ts-micro/registry";
import type { ServiceImplementation } from "ts-micro/server";
import { confirmationAsked } from "./confirm.ts";
import type { Registry as RegistrySchema } from "./gen/registry_pb.ts";
import { fromMessage, toMessage } from "./records.ts";

/**
 * Offers a registry to everyone over RPC, as go-micro v2's `micro registry`:
 * `service.handle(Registry, offerRegistry(() => service.registry))`.
 *
 * @param registry asked for each time
 */
export function offerRegistry(registry: () => Registry): ServiceImplementation<typeof RegistrySchema> {
  return {
    async getService({ service }) {
      const services = await registry().getService(service);
      // What go-micro's client makes its ErrNotFound of.
      if (services.length === 0) throw notFound("go.micro.registry", `service ${service} was not found`);
      return { services: services.map((each) => toMessage(each)) };
    },

    async listServices() {
      const services = await registry().listServices();
      return { services: services.map((each) => toMessage(each)) };
    },

    async register(message) {
      const ttlMs = Number(message.options?.ttl ?? 0n) * 1_000;
      await registry().register(fromMessage(message), ttlMs > 0 ? { ttlMs } : {});
      return {};
    },

    async deregister(message) {
      await registry().deregister(fromMessage(message));
      return {};
    },

    async *watch({ service }, context) {
      const { signal } = context;
      await using watcher = await registry().watch({ ...(service !== "" && { service }), signal });
      if (confirmationAsked(context.metadata) !== undefined) yield {};
      for await (const { action, service: changed } of watcher) {
        yield { action, service: toMessage(changed), timestamp: BigInt(Math.floor(Date.now() / 1_000)) };
      }
    },
  };
}
