import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { MicroError } from "ts-micro";
import type { Broker, EventHandler, Message, SubscribeOptions, Subscription } from "ts-micro/broker";
import type { BrokerSubject } from "../broker.ts";
import { type Gate, type Inbox, newGate, newInbox } from "../inbox.ts";

/** What every test of the suite works with. */
export interface BrokerBench {
  /** A test with brokers of its own, which are disconnected when it ends, however it ends. */
  test(name: string, run: (tools: BrokerTools) => Promise<void>): void;
}

export interface BrokerTools {
  readonly topic: string;
  readonly supports: Broker["supports"];
  /** A broker that isn't connected. */
  create(): Broker;
  connected(): Promise<Broker>;
  /** Subscribes, and waits until publishers know. */
  subscribe(
    broker: Broker,
    topic: string,
    handler: EventHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  inbox<Item>(): Inbox<Item>;
  /** What handlers wait at; it is opened at the latest when the test ends. */
  gate(): Gate;
}

export function newBrokerBench<Engine>(subject: BrokerSubject<Engine>): BrokerBench {
  const timeout = subject.timeoutMs ?? 30_000;
  let engine: Engine;
  before(async () => {
    engine = (await subject.start?.()) as Engine;
  });
  after(async () => {
    const { [Symbol.asyncDispose]: dispose } = (engine ?? {}) as Partial<AsyncDisposable>;
    await dispose?.call(engine as AsyncDisposable);
  });
  return {
    test(name, run) {
      test(name, { timeout }, async () => {
        const brokers: Broker[] = [];
        const gates: Gate[] = [];
        const create = (): Broker => {
          const broker = subject.create(engine);
          brokers.push(broker);
          return broker;
        };
        try {
          await run({
            topic: `t-${randomUUID().slice(0, 8)}`,
            get supports() {
              return create().supports;
            },
            create,
            async connected() {
              const broker = create();
              await broker.connect();
              return broker;
            },
            async subscribe(broker, topic, handler, options) {
              const subscription = await broker.subscribe(topic, handler, options);
              await subject.subscribed?.(engine);
              return subscription;
            },
            inbox: () => newInbox(timeout / 3),
            gate() {
              const gate = newGate();
              gates.push(gate);
              return gate;
            },
          });
        } finally {
          for (const gate of gates) gate.open();
          await Promise.all(brokers.map((broker) => broker.disconnect()));
        }
      });
    },
  };
}

export function textMessage(text: string, header: Record<string, string> = {}): Message {
  return { header: { "Content-Type": "text/plain", ...header }, body: Buffer.from(text) };
}

export function textOf(message: Message): string {
  return Buffer.from(message.body).toString();
}

/** `prefix0`, `prefix1`... */
export function texts(count: number, prefix = "m"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

export function sorted(items: Iterable<string>): string[] {
  return [...items].sort();
}

export async function rejectsWith(
  work: Promise<unknown>,
  wanted: { code: number; reason?: string; mentions?: readonly string[] },
): Promise<void> {
  await assert.rejects(work, (thrown: unknown) => {
    assert.ok(MicroError.is(thrown), `expected a MicroError, got ${String(thrown)}`);
    assert.deepEqual([thrown.code, thrown.reason], [wanted.code, wanted.reason]);
    for (const text of wanted.mentions ?? []) {
      assert.ok(thrown.detail.includes(text), `"${thrown.detail}" doesn't mention ${text}`);
    }
    return true;
  });
}
