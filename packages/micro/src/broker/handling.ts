import { getMetadata } from "../metadata.ts";
import { isPromiseLike } from "../promise-like.ts";
import { type Event, type Message, messageHeaders } from "./broker.ts";
import type { DeliverySetup } from "./delivery.ts";
import { copyMessage, deadLetterMessage } from "./message.ts";
import type { TextMessage } from "./text-message.ts";

/** A message as the engine gives it. */
export interface Incoming {
  readonly message: Message;
  /** The same, where it came as text. */
  readonly text?: TextMessage | undefined;
  /** The concrete topic, where a subscription covers several. @default the subscription's */
  topic?: string;
  /** Number of the next attempt: 2 or more when the engine has delivered the message before. @default 1 */
  attempt?: number;
  /**
   * Told once what became of the message, to acknowledge it to the engine. A broker that can't take a
   * message back leaves it out.
   * @param attempts how often a handler has seen the message, earlier deliveries included
   */
  settle?(outcome: Outcome, attempts: number): void | Promise<void>;
  /**
   * Asked when a retry follows. Resolves when the engine has the message in a further place, from which it comes again
   * after `waitMs`; it is then settled as `postponed`. Where it is left out or rejects, the message waits in its slot.
   * @param attempts how often a handler has seen the message, earlier deliveries included
   */
  postpone?(attempts: number, waitMs: number): Promise<void>;
}

/** `returned`: no handler finished it, the engine should give it to somebody else. The others are final. */
export type Outcome = "handled" | "dead-lettered" | "dropped" | "postponed" | "returned";

/** The way of one message through its handler: attempts, verdict, what follows a failure. */
export interface Handling {
  /**
   * Resolves when the message is done with and its engine knows; `undefined` when it is so already, as after a handler
   * that returns no promise. Never throws or rejects.
   */
  handle(incoming: Incoming): Promise<void> | undefined;
  /** For a message that no handler will see. */
  giveBack(incoming: Incoming): void;
  /** The subscription ends: nothing waits any longer, for a retry or for an acknowledgement. */
  endWaits(): void;
}

export function newHandling(setup: DeliverySetup): Handling {
  const { broker, topic, handler, plan, random = Math.random } = setup;
  const logger = setup.logger.child({ broker: broker.name, topic, queue: plan.queue });
  const waits = new Set<() => void>();
  let ending = false;

  return {
    handle(incoming: Incoming): Promise<void> | undefined {
      const number = incoming.attempt ?? 1;
      const first = attempt(incoming, number);
      const isDone = first === "handled" && incoming.settle === undefined;
      return isDone ? undefined : finish(incoming, number, first);
    },
    giveBack(incoming: Incoming): void {
      if (incoming.settle !== undefined) void settle(incoming, "returned", (incoming.attempt ?? 1) - 1);
      else logger.warn("message dropped: the subscription has ended", fieldsOf(incoming));
    },
    endWaits(): void {
      ending = true;
      for (const end of [...waits]) end();
    },
  };

  async function finish(incoming: Incoming, number: number, first: Attempted): Promise<void> {
    const { outcome, attempts } = await attemptUntilDone(incoming, number, first);
    if (outcome !== "acknowledged") await settle(incoming, outcome, attempts);
  }

  async function attemptUntilDone(
    incoming: Incoming,
    number: number,
    first: Attempted,
  ): Promise<{ outcome: Outcome | "acknowledged"; attempts: number }> {
    for (let attempts = number, present = first; ; present = attempt(incoming, ++attempts)) {
      const result = await present;
      if (typeof result === "string") return { outcome: result, attempts };
      if (attempts > plan.retries)
        return { outcome: await giveUp(incoming, attempts, result.thrown), attempts };
      logger.debug(
        `handler failed and will be tried again: ${textOf(result.thrown)}`,
        fieldsOf(incoming, attempts),
      );
      const waitMs = backoff(attempts);
      if (await postpone(incoming, attempts, waitMs)) return { outcome: "postponed", attempts };
      await wait(waitMs);
      if (!ending) continue;
      // The end of the subscription is no reason to lose what somebody else can have.
      if (incoming.settle !== undefined) return { outcome: "returned", attempts };
      return { outcome: await giveUp(incoming, attempts, result.thrown), attempts };
    }
  }

  function attempt(incoming: Incoming, number: number): Attempted {
    // What the handler does to the message must not show in the next attempt, nor in the dead letter.
    const keep = plan.retries > 0 || plan.deadLetter !== undefined || plan.manualAck;
    const event = new AutoEvent(incoming.topic ?? topic, incoming, number, keep);
    if (plan.manualAck) return verdictOf(incoming, event);
    try {
      const work = handler(event);
      return isPromiseLike(work) ? ended(work) : "handled";
    } catch (thrown) {
      return { thrown };
    }
  }

  async function verdictOf(incoming: Incoming, { topic, message, attempt }: Event): Promise<Verdict> {
    let verdict: Verdict | undefined;
    let decided = (): void => {};
    const event: Event = {
      topic,
      message,
      attempt,
      async ack() {
        if (verdict !== undefined) return;
        verdict = "acknowledged";
        decided();
        await incoming.settle?.("handled", event.attempt);
      },
      async nack(reason) {
        verdict ??= { thrown: reason ?? new Error("the handler gave the message back") };
        decided();
      },
    };
    try {
      await handler(event);
    } catch (thrown) {
      if (verdict === undefined) verdict = { thrown };
      else
        logger.warn(`handler failed after its verdict: ${textOf(thrown)}`, fieldsOf(incoming, event.attempt));
    }
    // The handler may have handed the event on: the message is in hand until somebody decides.
    if (verdict === undefined && !ending) {
      await waitFor((end) => {
        decided = end;
      });
    }
    verdict ??= "returned";
    return verdict;
  }

  async function giveUp(incoming: Incoming, attempts: number, thrown: unknown): Promise<Outcome> {
    const fields = fieldsOf(incoming, attempts);
    const failed = `its handler failed: ${textOf(thrown)}`;
    if (plan.deadLetter === undefined) {
      logger.error(`message dropped, ${failed}`, fields);
      return "dropped";
    }
    try {
      const letter = deadLetterMessage(incoming.message, incoming.topic ?? topic, attempts, thrown);
      await broker.publish(plan.deadLetter, letter);
      logger.warn(`message moved to ${plan.deadLetter}, ${failed}`, fields);
      return "dead-lettered";
    } catch (unpublished) {
      const outcome = incoming.settle === undefined ? "dropped" : "returned";
      const why = `publishing it on ${plan.deadLetter} failed too: ${textOf(unpublished)}`;
      logger.error(`message ${outcome}, ${failed}; ${why}`, fields);
      return outcome;
    }
  }

  /** False when the message has to wait here. */
  async function postpone(incoming: Incoming, attempts: number, waitMs: number): Promise<boolean> {
    if (incoming.postpone === undefined) return false;
    try {
      await incoming.postpone(attempts, waitMs);
      return true;
    } catch (thrown) {
      logger.warn(`message waits for its retry in its slot: ${textOf(thrown)}`, fieldsOf(incoming, attempts));
      return false;
    }
  }

  async function settle(incoming: Incoming, outcome: Outcome, attempts: number): Promise<void> {
    try {
      await incoming.settle?.(outcome, attempts);
    } catch (thrown) {
      logger.warn(`the broker could not be told "${outcome}": ${textOf(thrown)}`, fieldsOf(incoming));
    }
  }

  /** Exponential with full jitter: anything from nothing up to the doubled wait. */
  function backoff(failures: number): number {
    return random() * Math.min(plan.maxBackoffMs, plan.backoffMs * 2 ** (failures - 1));
  }

  /** The timer keeps the process alive: the message exists nowhere else. */
  async function wait(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await waitFor((end) => {
      timer = setTimeout(end, ms);
    });
    clearTimeout(timer);
  }

  /** Resolves when `end` is called, by whoever was given it or because the subscription ends. */
  async function waitFor(start: (end: () => void) => void): Promise<void> {
    if (ending) return;
    let ended = (): void => {};
    await new Promise<void>((resolve) => {
      ended = resolve;
      waits.add(resolve);
      start(resolve);
    });
    waits.delete(ended);
  }
}

/** `acknowledged`: the engine has been told already. With `thrown`, the handler threw or gave the message back. */
type Verdict = "acknowledged" | "returned" | { thrown: unknown };

/** What became of an attempt, or what will tell. */
type Attempted = Verdict | "handled" | Promise<Verdict | "handled">;

async function ended(work: PromiseLike<void>): Promise<Verdict | "handled"> {
  try {
    await work;
    return "handled";
  } catch (thrown) {
    return { thrown };
  }
}

/** Done when its handler is, whatever it calls. */
class AutoEvent implements Event {
  readonly topic: string;
  readonly attempt: number;
  readonly #incoming: Incoming;
  readonly #keep: boolean;
  #message: Message | undefined;

  /** @param keep the handler gets a copy */
  constructor(topic: string, incoming: Incoming, attempt: number, keep: boolean) {
    this.topic = topic;
    this.attempt = attempt;
    this.#incoming = incoming;
    this.#keep = keep;
  }

  get message(): Message {
    const { message } = this.#incoming;
    this.#message ??= this.#keep ? copyMessage(message) : message;
    return this.#message;
  }

  get text(): TextMessage | undefined {
    return this.#message === undefined ? this.#incoming.text : undefined;
  }

  async ack(): Promise<void> {}

  async nack(): Promise<void> {}
}

function fieldsOf(
  incoming: Incoming,
  attempt?: number,
): { id: string | undefined; attempt: number | undefined } {
  return { id: getMetadata(incoming.message.header, messageHeaders.id), attempt };
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
