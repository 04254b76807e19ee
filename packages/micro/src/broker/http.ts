import { randomUUID } from "node:crypto";
import { advertisedHost, joinAddress, parseAddress } from "../address.ts";
import { badRequest, MicroError } from "../errors.ts";
import { newLogger } from "../logger.ts";
import { newMdnsRegistry } from "../registry/mdns.ts";
import type { Node, Registry, Service } from "../registry/registry.ts";
import { tlsOf } from "../tls.ts";
import type { Broker, BrokerOptions } from "./broker.ts";
import { type BrokerEngine, newBrokerOver } from "./broker-over.ts";
import { type Delivery, newDelivery } from "./delivery.ts";
import { brokerErrorId, notConnected } from "./failures.ts";
import { broadcastVersion, type FanOut, newFanOut } from "./http-fan-out.ts";
import type { Receiver } from "./http-receiver.ts";
import { keepRegistered } from "./http-registration.ts";
import { newHttpSender } from "./http-sender.ts";
import { newSubscribers, serviceName } from "./http-subscribers.ts";
import { newMuxSender } from "./mux-sender.ts";
import { Outgoing } from "./outgoing.ts";
import { type Sender, type SenderOptions, settled } from "./sender.ts";
import type { SubscribePlan } from "./subscribe-options.ts";
import { builtInSupports } from "./supports.ts";

export interface HttpBrokerOptions extends BrokerOptions {
  /** Exchange messages with ts-micro's own processes by mux, all on one connection. @default true */
  mux?: boolean;
  /** Longest message body, sent or received, in bytes. @default 4 MiB, as go-micro's transports */
  maxMessageBytes?: number;
  /** How long the registry keeps a subscription without hearing from it, in milliseconds. @default 60_000, as go-micro */
  registerTtlMs?: number;
  /** Time between registrations, in milliseconds. @default 30_000, as go-micro */
  registerIntervalMs?: number;
}

/** What a subscriber's node says in its metadata, which go-micro ignores. */
const protocolsWithMux = "http,mux";

const defaults = {
  listen: "127.0.0.1:0",
  /** Limit of one post to one node. */
  timeoutMs: 5_000,
  maxMessageBytes: 4 * 1024 * 1024,
  registerTtlMs: 60_000,
  registerIntervalMs: 30_000,
};

/**
 * go-micro's default broker: no server, each subscriber is found in the registry and gets messages by HTTP
 * POST (`broker/http.go`, wire-compatible). Between ts-micro's own processes they travel on one multiplexed connection
 * instead, to the same port (docs/protocol-mux.md). It listens on `listen`, or else `addresses[0]`, from the first subscription on.
 *
 * Delivery is at most once. `publish` resolves when every queue has the message in the hands of one process,
 * and all subscriptions without a queue that could be reached; a single one of those that can't is logged.
 * It rejects when a queue, or every subscription without one, was left out, and says which; the others
 * have the message then. With the reason `connection-lost`, one that is named may have it, too. Nothing is kept for later: go-micro sends such messages with a later publish.
 */
export function newHttpBroker(options: HttpBrokerOptions = {}): Broker {
  const { listen = options.addresses?.[0] ?? defaults.listen } = options;
  const { mux = true, timeoutMs = defaults.timeoutMs, maxMessageBytes = defaults.maxMessageBytes } = options;
  const { registerTtlMs = defaults.registerTtlMs, registerIntervalMs = defaults.registerIntervalMs } =
    options;
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "http",
  });
  const tls = tlsOf(options);
  /** By node id. */
  const targets = new Map<string, { topic: string; delivery: Delivery }>();
  const subscribers = newSubscribers(registry, logger);
  let sending: { sender: Sender; fanOut: FanOut } | undefined;
  let receiver: Promise<Receiver> | undefined;
  let address = "";
  let fallbackRegistry: Registry | undefined;

  const engine: BrokerEngine = {
    name: "http",
    supports: builtInSupports.http,

    get address() {
      return address;
    },

    async connect(): Promise<void> {
      if (sending !== undefined) return;
      const sender = mux ? newMixedSender({ timeoutMs, tls }) : newHttpSender({ timeoutMs, tls });
      sending = { sender, fanOut: newFanOut({ sender, logger, subscribers }) };
    },

    async close(): Promise<void> {
      await (await receiver)?.close();
      sending?.sender.close();
      await subscribers.forget();
      sending = undefined;
      receiver = undefined;
      address = "";
      await fallbackRegistry?.close();
      fallbackRegistry = undefined;
    },

    publish(topic, message, signal): Promise<void> {
      if (sending === undefined) throw notConnected("http");
      // Before it is copied.
      checkSize(topic, message.body.length);
      const { fanOut } = sending;
      return settled((outcome) => fanOut.send(Outgoing.of(topic, message), signal, outcome));
    },

    publishText(topic, message, outcome): void {
      if (sending === undefined) throw notConnected("http");
      const outgoing = Outgoing.ofText(topic, message);
      checkSize(topic, outgoing.size);
      sending.fanOut.send(outgoing, undefined, outcome);
    },

    async subscribe({ broker, topic, handler, plan }) {
      if (plan.queue === broadcastVersion) {
        throw badRequest(brokerErrorId, `"${broadcastVersion}" means no queue; give the queue another name`);
      }
      if (sending === undefined) throw notConnected("http");
      address = (await listening()).address;
      const delivery = newDelivery({ broker, topic, handler, plan, logger, backlog: plan.maxInFlight });
      const service = recordOf(topic, plan);
      const id = service.nodes[0]?.id ?? "";
      targets.set(id, { topic, delivery });
      const registration = await keepRegistered({
        registry,
        service,
        ttlMs: registerTtlMs,
        intervalMs: registerIntervalMs,
        logger,
      }).catch((thrown: unknown) => {
        targets.delete(id);
        throw notRegistered(topic, registry().name, thrown);
      });
      await subscribers.forget();
      return async () => {
        // Publishers hear of it first, so that few of them have to be told by 404.
        await registration.end();
        targets.delete(id);
        await delivery.stop();
      };
    },
  };
  return newBrokerOver(engine, logger);

  function checkSize(topic: string, size: number): void {
    if (size > maxMessageBytes) throw tooLarge(topic, size, maxMessageBytes);
  }

  function listening(): Promise<Receiver> {
    receiver ??= receive().catch((thrown: unknown) => {
      receiver = undefined;
      throw thrown;
    });
    return receiver;
  }

  async function receive(): Promise<Receiver> {
    const { startReceiver } = await import("./http-receiver.ts");
    const find = (id: string) => targets.get(id);
    return startReceiver({ listen, tls, mux, maxMessageBytes, holdMs: timeoutMs, logger, find });
  }

  /**
   * go-micro's record. Its id ends in a UUID per broker there, so that two subscriptions of one process share
   * it and both get what was meant for one; here each has its own.
   */
  function recordOf(topic: string, { queue }: SubscribePlan): Service {
    const { host, port } = parseAddress(address);
    const node = {
      id: newNodeId(topic),
      address: joinAddress(advertisedHost(host), port),
      metadata: {
        broker: "http",
        topic,
        secure: String(tls !== undefined),
        ...(mux && { protocols: protocolsWithMux }),
      },
    };
    const version = queue ?? broadcastVersion;
    return { name: serviceName, version, metadata: {}, endpoints: [], nodes: [node] };
  }

  function registry(): Registry {
    const own = options.parts?.registry;
    if (own !== undefined) return own;
    fallbackRegistry ??= newMdnsRegistry({ logger });
    return fallbackRegistry;
  }
}

/**
 * go-micro's form where every registry keeps it as it is. mDNS shortens what is no name or too long for one, and messages
 * that are sent to the shortened id would find nobody.
 */
function newNodeId(topic: string): string {
  const isShortName = topic.length <= 26 && /^[\w-]+(\.[\w-]+)*$/.test(topic);
  return isShortName ? `${topic}-${randomUUID()}` : randomUUID();
}

/** Posts to go-micro's nodes, and to our own by mux. */
function newMixedSender(options: SenderOptions): Sender {
  const [http, mux] = [newHttpSender(options), newMuxSender(options)];
  return {
    post: (node, ...given) => (speaksMux(node) ? mux : http).post(node, ...given),
    close() {
      http.close();
      mux.close();
    },
  };
}

function speaksMux({ metadata }: Node): boolean {
  const { protocols = "" } = metadata;
  return protocols === protocolsWithMux || protocols.split(",").includes("mux");
}

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the body has ${size} bytes, the limit is ${limit} (maxMessageBytes)`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}

function notRegistered(topic: string, registry: string, thrown: unknown): MicroError {
  const error = MicroError.from(thrown);
  const why = error.detail === "" ? String(thrown) : error.detail;
  return new MicroError({
    id: brokerErrorId,
    code: error.code || 500,
    detail: `can't subscribe to "${topic}": registry ${registry} refused the record: ${why}`,
    cause: thrown,
    ...(error.reason !== undefined && { reason: error.reason }),
  });
}
