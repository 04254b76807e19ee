/**
 * Collects the kinds of parts: the interface, the options its factories get, and its shape. Nothing about a
 * kind is defined here.
 */
import { type Broker, type BrokerOptions, brokerShape } from "./broker/broker.ts";
import { type Client, type ClientOptions, clientShape } from "./client/client.ts";
import { type Registry, type RegistryOptions, registryShape } from "./registry/registry.ts";
import { type Selector, type SelectorOptions, selectorShape } from "./selector/selector.ts";
import { type Server, type ServerOptions, serverShape } from "./server/server.ts";
import type { Shape } from "./shape.ts";
import { type Store, type StoreOptions, storeShape } from "./store/store.ts";
import { type Transport, type TransportOptions, transportShape } from "./transport/transport.ts";

interface KindTypes {
  client: { part: Client; options: ClientOptions };
  server: { part: Server; options: ServerOptions };
  registry: { part: Registry; options: RegistryOptions };
  broker: { part: Broker; options: BrokerOptions };
  selector: { part: Selector; options: SelectorOptions };
  transport: { part: Transport; options: TransportOptions };
  store: { part: Store; options: StoreOptions };
}

export type Kind = keyof KindTypes;

export type PartOf<K extends Kind> = KindTypes[K]["part"];

export type OptionsOf<K extends Kind> = KindTypes[K]["options"];

/** Builds a part. Cheap and synchronous: it opens nothing; sockets open on `connect`, `listen`, `start`. */
export type Factory<K extends Kind = Kind> = (options: OptionsOf<K>) => PartOf<K>;

interface KindInfo<K extends Kind> {
  /** The plural that go-micro's tables are named after: `defaultRegistries`. */
  readonly plural: string;
  readonly shape: Shape<PartOf<K>>;
  /** Versions of the interface that this host understands. A plugin's highest common one is used. */
  readonly api: readonly number[];
}

/**
 * In the order in which go-micro applies the choices (`config/cmd/cmd.go`). The first six are those that its plugins can
 * be; it chooses the store before all others, which nobody can tell here.
 */
export const kinds: { readonly [K in Kind]: KindInfo<K> } = {
  client: { plural: "clients", shape: clientShape, api: [1] },
  server: { plural: "servers", shape: serverShape, api: [1] },
  registry: { plural: "registries", shape: registryShape, api: [1] },
  broker: { plural: "brokers", shape: brokerShape, api: [1] },
  selector: { plural: "selectors", shape: selectorShape, api: [1] },
  transport: { plural: "transports", shape: transportShape, api: [1] },
  store: { plural: "stores", shape: storeShape, api: [1] },
};

export const kindNames = Object.keys(kinds) as Kind[];

export function isKind(text: string): text is Kind {
  return Object.hasOwn(kinds, text);
}
