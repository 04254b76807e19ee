import type { Kind } from "../kinds.ts";

/**
 * The plugins that are published with ts-micro, by the name that chooses each: `nats` of the kind broker is
 * `@ts-micro/broker-nats`. Only errors read it, to say what can be installed; a package is found without it.
 * A test holds it to the folder `plugins`.
 */
export const firstPartyNames: { readonly [K in Kind]: readonly string[] } = {
  client: ["brpc", "grpc"],
  server: ["brpc", "grpc"],
  registry: ["consul", "etcd", "kubernetes", "nats", "service"],
  broker: ["kafka", "mqtt", "nats", "rabbitmq", "redis", "service"],
  selector: [],
  transport: ["nats"],
  store: ["nats", "postgres", "redis"],
};
