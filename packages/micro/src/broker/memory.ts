import { newLogger } from "../logger.ts";
import { type Broker, type BrokerOptions, type Message, messageHeaders } from "./broker.ts";
import { type BrokerEngine, newBrokerOver } from "./broker-over.ts";
import { type Delivery, newDelivery } from "./delivery.ts";
import { notConnected } from "./failures.ts";
import { copyMessage } from "./message.ts";
import { builtInSupports } from "./supports.ts";

/**
 * A broker within this process, for tests and for services that live together. Brokers with the same
 * `addresses[0]` (default "default") exchange messages.
 *
 * `publish` resolves when every subscription, and one of each queue, has room for the message: a slow
 * subscriber slows its publishers down once 1024 messages wait. A message that is not done when its
 * subscription ends goes to another one of its queue; without one it is lost.
 */
export function newMemoryBroker(options: BrokerOptions = {}): Broker {
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const hubName = options.addresses?.[0] ?? "default";
  let hub: Hub | undefined;

  const engine: BrokerEngine = {
    name: "memory",
    supports: builtInSupports.memory,

    get address() {
      return hub === undefined ? "" : hubName;
    },

    async connect(): Promise<void> {
      hub ??= joinHub(hubName);
    },

    async close(): Promise<void> {
      if (hub !== undefined) leaveHub(hubName);
      hub = undefined;
    },

    async publish(topic, message, signal): Promise<void> {
      if (hub === undefined) throw notConnected("memory");
      const delivered = [...hub.receivers(topic)].map((members) => {
        const copy = copyMessage(message);
        copy.header[messageHeaders.topic] ??= topic;
        return deliver(members, copy, 1, signal);
      });
      await Promise.all(delivered);
    },

    async subscribe({ broker, topic, handler, plan }) {
      if (hub === undefined) throw notConnected("memory");
      const delivery = newDelivery({ broker, topic, handler, plan, logger, backlog });
      const leave = hub.add(topic, plan.queue, delivery);
      return async () => {
        leave();
        await delivery.stop();
      };
    },
  };
  return newBrokerOver(engine, logger);
}

/** Messages that wait at one subscription before `publish` waits too. */
const backlog = 1_024;

/** The subscriptions of one topic and queue, of which one gets each message; or a single one without a queue. */
type Members = Delivery[];

interface Hub {
  /** Brokers that are connected. */
  brokers: number;
  receivers(topic: string): Iterable<Members>;
  /** Gives the function that takes the subscription out again. */
  add(topic: string, queue: string | undefined, delivery: Delivery): () => void;
}

const hubs = new Map<string, Hub>();

function joinHub(name: string): Hub {
  const hub = hubs.get(name) ?? newHub();
  hub.brokers++;
  hubs.set(name, hub);
  return hub;
}

function leaveHub(name: string): void {
  const hub = hubs.get(name);
  if (hub !== undefined && --hub.brokers === 0) hubs.delete(name);
}

function newHub(): Hub {
  /** Topic → queue → members; a subscription without a queue has a symbol of its own for one. */
  const topics = new Map<string, Map<string | symbol, Members>>();
  return {
    brokers: 0,
    receivers: (topic) => topics.get(topic)?.values() ?? [],
    add(topic, queue, delivery) {
      const key = queue ?? Symbol(topic);
      const queues = topics.get(topic) ?? new Map<string | symbol, Members>();
      const members = queues.get(key) ?? [];
      topics.set(topic, queues.set(key, members));
      members.push(delivery);
      return () => {
        members.splice(members.indexOf(delivery), 1);
        if (members.length > 0) return;
        queues.delete(key);
        if (queues.size === 0) topics.delete(topic);
      };
    },
  };
}

/** Gives the message to the member with the least in hand, and to another one when that ends meanwhile. */
async function deliver(
  members: Members,
  message: Message,
  attempt: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let member = leastBusy(members); member !== undefined; member = leastBusy(members)) {
    const room = await member.room();
    if (room === undefined) continue;
    if (signal?.aborted) return room.release();
    return room.take({
      message,
      attempt,
      settle(outcome, attempts) {
        // Nobody waits for this: the subscription that gives it back has ended, the others may be busy.
        if (outcome === "returned") void deliver(members, message, attempts + 1);
      },
    });
  }
}

function leastBusy(members: Members): Delivery | undefined {
  const least = Math.min(...members.map((member) => member.inHand));
  const chosen = members.find((member) => member.inHand === least);
  if (chosen !== undefined) {
    // To the end of the row, so that those who are equally busy take turns.
    members.splice(members.indexOf(chosen), 1);
    members.push(chosen);
  }
  return chosen;
}
