import type { Logger } from "../logger.ts";
import type {
  Broker,
  BrokerSupports,
  EventHandler,
  Message,
  SubscribeOptions,
  Subscription,
} from "./broker.ts";
import { cancelled, notConnected, untilAborted } from "./failures.ts";
import type { Outcome } from "./sender.ts";
import { checkTopic, planSubscription, type SubscribePlan } from "./subscribe-options.ts";
import { newSubscription } from "./subscription.ts";
import type { TextMessage } from "./text-message.ts";

/**
 * What an engine brings to become a broker. Checked options, subscriptions that end once, and the order in which all
 * ends are done for it by `newBrokerOver`.
 */
export interface BrokerEngine {
  /** The word users write after `--broker=`. */
  readonly name: string;
  readonly supports: BrokerSupports;
  /** As `Broker.address`. */
  readonly address: string;
  /** Not called while it is under way. Called again while connected it does nothing. */
  connect(): Promise<void>;
  /** Called when nobody subscribes or publishes any more, also when nothing is connected. */
  close(): Promise<void>;
  /**
   * As `Broker.publish`, of a topic that isn't empty. It may throw, too.
   * @param signal the caller stops waiting when it aborts, whatever this does
   */
  publish(topic: string, message: Message, signal: AbortSignal | undefined): Promise<void>;
  /** As `Broker.publishText`, told instead of promised. Where it is left out, the broker has none. It may throw, too. */
  publishText?(topic: string, message: TextMessage, outcome: Outcome): void;
  /**
   * Resolves when messages arrive, with what ends the subscription: that resolves when no handler runs any more.
   * @throws MicroError 503 `not-connected` before `connect`
   */
  subscribe(request: SubscribeRequest): Promise<() => Promise<void>>;
}

export interface SubscribeRequest {
  /** What the dead letters are published on. */
  readonly broker: Broker;
  readonly topic: string;
  readonly handler: EventHandler;
  readonly plan: SubscribePlan;
}

/** Makes a broker of an engine. */
export function newBrokerOver(engine: BrokerEngine, logger: Logger): Broker {
  const subscriptions = new Set<Subscription>();
  const subscribing = new UnderWay();
  const publishing = new UnderWay();
  let connecting: Promise<void> | undefined;
  let disconnecting: Promise<void> | undefined;
  /** No handler runs any more, so nobody but the user publishes. */
  let isClosing = false;

  const broker: Broker = {
    name: engine.name,
    supports: engine.supports,

    get address() {
      return engine.address;
    },

    connect(): Promise<void> {
      connecting ??= connect().finally(() => {
        connecting = undefined;
      });
      return connecting;
    },

    disconnect(): Promise<void> {
      disconnecting ??= disconnect().finally(() => {
        disconnecting = undefined;
        isClosing = false;
      });
      return disconnecting;
    },

    /** Not `async`: the engine's promise is the caller's, one for each message. */
    publish(topic, message, { signal } = {}): Promise<void> {
      try {
        check(topic);
        if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
        const work = publishing.add(engine.publish(topic, message, signal));
        return signal === undefined ? work : untilAborted(work, `publishing on "${topic}"`, signal);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    },

    subscribe(topic, handler, options = {}): Promise<Subscription> {
      return subscribing.add(subscribe(topic, handler, options));
    },

    [Symbol.asyncDispose]: () => broker.disconnect(),
  };
  // Not enumerable: `{ ...broker, publish }` would publish past its own `publish`.
  if (engine.publishText !== undefined) Object.defineProperty(broker, "publishText", { value: publishText });
  return broker;

  function check(topic: string): void {
    checkTopic(topic);
    if (isClosing) throw notConnected(engine.name);
  }

  function publishText(topic: string, message: TextMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const outcome = publishing.begin(resolve, reject);
      try {
        check(topic);
        engine.publishText?.(topic, message, outcome);
      } catch (thrown) {
        outcome.failed(thrown);
      }
    });
  }

  async function connect(): Promise<void> {
    await disconnecting;
    await engine.connect();
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    options: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, options);
    if (disconnecting !== undefined) throw notConnected(engine.name);
    const end = await engine.subscribe({ broker, topic, handler, plan });
    const endOnce = async (): Promise<void> => {
      try {
        await end();
      } finally {
        subscriptions.delete(subscription);
      }
    };
    const subscription = newSubscription(topic, options, endOnce, logger);
    subscriptions.add(subscription);
    return subscription;
  }

  /**
   * Handlers that still run may publish, so the engine is closed last.
   * @throws what the end of a subscription threw; the engine is closed all the same
   */
  async function disconnect(): Promise<void> {
    await connecting?.catch(() => {});
    await subscribing.idle();
    const ended = await Promise.allSettled([...subscriptions].map((each) => each.unsubscribe()));
    isClosing = true;
    await publishing.idle();
    await engine.close();
    for (const each of ended) if (each.status === "rejected") throw each.reason;
  }
}

class Publishing implements Outcome {
  readonly #done: () => void;
  readonly #resolve: () => void;
  readonly #reject: (thrown: unknown) => void;

  constructor(done: () => void, resolve: () => void, reject: (thrown: unknown) => void) {
    this.#done = done;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  taken(): void {
    this.#done();
    this.#resolve();
  }

  failed(thrown: unknown): void {
    this.#done();
    this.#reject(thrown);
  }
}

/** Work that somebody may want to see the end of. It is counted: a publish is too cheap for a set. */
class UnderWay {
  #count = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #done = (): void => {
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  };

  add<Result>(work: Promise<Result>): Promise<Result> {
    this.#count++;
    work.then(this.#done, this.#done);
    return work;
  }

  /** The same for what is told: each message is one. */
  begin(resolve: () => void, reject: (thrown: unknown) => void): Outcome {
    this.#count++;
    return new Publishing(this.#done, resolve, reject);
  }

  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
