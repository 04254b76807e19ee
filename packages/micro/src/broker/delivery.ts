import type { Logger } from "../logger.ts";
import type { Broker, EventHandler } from "./broker.ts";
import { type Incoming, newHandling } from "./handling.ts";
import type { SubscribePlan } from "./subscribe-options.ts";

/**
 * What stands between a broker's engine and a handler, the same for every broker: how many messages are
 * in hand, acknowledgement, retries, dead letters, and the end of a subscription.
 *
 * A message holds one of the `maxInFlight` slots from its first attempt to its outcome, the waits between
 * attempts included: so `maxInFlight: 1` keeps the order even when handlers fail.
 */
export interface Delivery {
  /** Messages taken and not done yet, waiting ones and promised rooms included. */
  readonly inHand: number;
  /** Takes a message in any case, and runs the handler as soon as a slot is free. */
  take(incoming: Incoming): void;
  /** Room for one more message, if there is any now. */
  tryRoom(): Room | undefined;
  /**
   * Back-pressure: resolves, in the order of asking, when there is room for one more message, and gives
   * that room. `undefined` when the subscription ended meanwhile, or the signal aborted.
   * @param signal for this wait alone; nothing of the wait is kept when it has aborted
   */
  room(signal?: AbortSignal): Promise<Room | undefined>;
  /**
   * Ends the subscription. Messages that wait go back to a broker that takes them back, and are still
   * handled otherwise. Resolves when no handler runs any more and none will start. Twice is once.
   */
  stop(): Promise<void>;
}

/** Room for one message. One of the two must be called, once for each time that it was given. */
export interface Room {
  take(incoming: Incoming): void;
  release(): void;
}

export interface DeliverySetup {
  broker: Pick<Broker, "name" | "publish">;
  topic: string;
  handler: EventHandler;
  plan: SubscribePlan;
  logger: Logger;
  /** How many messages may wait beside the `maxInFlight` that are handled, before `room` holds back. @default 0 */
  backlog?: number;
  /** From 0 up to 1, for the jitter. @default Math.random */
  random?: () => number;
}

export function newDelivery(setup: DeliverySetup): Delivery {
  const { maxInFlight } = setup.plan;
  const capacity = maxInFlight + (setup.backlog ?? 0);
  const handling = newHandling(setup);
  let waiting: Incoming[] = [];
  let running = 0;
  let promised = 0;
  /** All are alike, so there is one. */
  const aRoom: Room = {
    take(incoming) {
      promised--;
      enqueue(incoming);
    },
    release() {
      promised--;
      proceed();
    },
  };
  const roomWaiters = new Set<(room: Room | undefined) => void>();
  let stopped: Promise<void> | undefined;
  let onIdle = (): void => {};

  return {
    get inHand() {
      return inHand();
    },
    take(incoming: Incoming): void {
      if (stopped === undefined) enqueue(incoming);
      else handling.giveBack(incoming);
    },
    tryRoom,
    room(signal?: AbortSignal): Promise<Room | undefined> {
      const room = tryRoom();
      if (room !== undefined || stopped !== undefined) return Promise.resolve(room);
      return new Promise((resolve) => {
        roomWaiters.add(resolve);
        const withdraw = (): void => {
          roomWaiters.delete(resolve);
          resolve(undefined);
        };
        signal?.addEventListener("abort", withdraw, { once: true });
      });
    },
    stop(): Promise<void> {
      stopped ??= new Promise((resolve) => {
        onIdle = resolve;
      });
      for (const resolve of roomWaiters) resolve(undefined);
      roomWaiters.clear();
      const returned = waiting.filter((incoming) => incoming.settle !== undefined);
      waiting = waiting.filter((incoming) => incoming.settle === undefined);
      for (const incoming of returned) handling.giveBack(incoming);
      handling.endWaits();
      proceed();
      return stopped;
    },
  };

  function inHand(): number {
    return running + waiting.length + promised;
  }

  /** Overtakes nobody: while anyone waits for room there is none. */
  function tryRoom(): Room | undefined {
    return stopped === undefined && inHand() < capacity ? newRoom() : undefined;
  }

  /** Whoever holds a room was told that its message will be handled, so it is, even after `stop`. */
  function newRoom(): Room {
    promised++;
    return aRoom;
  }

  function enqueue(incoming: Incoming): void {
    waiting.push(incoming);
    proceed();
  }

  function proceed(): void {
    while (running < maxInFlight) {
      const incoming = waiting.shift();
      if (incoming === undefined) break;
      running++;
      const handled = handling.handle(incoming);
      if (handled === undefined) free();
      else void handled.then(done);
    }
    for (const resolve of roomWaiters) {
      if (inHand() >= capacity) break;
      roomWaiters.delete(resolve);
      resolve(newRoom());
    }
    if (inHand() === 0) onIdle();
  }

  function free(): void {
    running--;
  }

  function done(): void {
    free();
    proceed();
  }
}
