import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { MicroError } from "../errors.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import { Link, type LinkEvents } from "../mux/link.ts";
import { Ring } from "../mux/ring.ts";
import { closedInSilence, tlsProblem } from "../tls.ts";
import { serviceName } from "./http-subscribers.ts";
import type { Post } from "./mux-post.ts";
import type { Outgoing } from "./outgoing.ts";
import { Queue } from "./queue.ts";

export interface PublisherEvents {
  /** No further message may be given to it. */
  unusable(): void;
  closed(): void;
  /** The connection ends and it has not been confirmed. One that has left, which has a number, may have been taken. */
  back(post: Post, why: Ending): void;
}

/** Why a connection has ended. */
export interface Ending {
  readonly what: string;
  readonly reason: "connection-failed" | "connection-lost";
  readonly cause?: Error | undefined;
}

/** What goes to one subscription. */
export interface Route {
  /** The id of the subscription's node. */
  readonly id: string;
  heads: Head[];
  /** Messages that have left and are not confirmed, and the bytes of their bodies. */
  unconfirmed: number;
  bytes: number;
  /** Those that were given up meanwhile are among them. */
  readonly waiting: Queue<Post>;
}

interface Head {
  readonly contentType: string;
  readonly from: string;
  /** How the frame of a message begins. */
  readonly fields: string;
}

/**
 * Unconfirmed messages that one subscription may have, and the bytes of their bodies after which no further one leaves.
 * So a slow subscription holds up its own messages only, and those in its publishers, not in its own process.
 */
const windowMessages = 128;
const windowBytes = 1024 * 1024;

/** Heads that a connection may have; when they are used up, the numbers are given anew. */
const maxHeads = 1024;

/** How late it may be noticed that a confirmation is missing, in milliseconds. */
const sweepMs = 25;

/** A publisher's connection to one address, on which the messages for all its subscriptions travel. */
export class MuxPublisher implements LinkEvents {
  readonly #link: Link;
  readonly #timeoutMs: number;
  readonly #secure: boolean;
  readonly #events: PublisherEvents;
  readonly #unconfirmed = new Ring<Post>();
  readonly #routes = new Map<string, Route>();
  readonly #openedAt: number;
  #lastNumber = 0;
  #headCount = 0;
  #usable = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: { timeoutMs: number; secure: boolean }, events: PublisherEvents) {
    this.#timeoutMs = options.timeoutMs;
    this.#secure = options.secure;
    this.#events = events;
    // Nothing that a subscriber says is longer than an error.
    this.#link = new Link(socket, this, { maxBodyBytes: 64 * 1024, wholeTurn: true });
    this.#openedAt = this.#link.heardAt;
    // While confirmations are missing the timer keeps the process alive; a connection on which nothing happens doesn't.
    socket.unref();
  }

  /** Takes the message, and sends it as soon as its subscription's window allows. */
  publish(post: Post): void {
    const { id } = post.node;
    let route = this.#routes.get(id);
    if (route === undefined) {
      route = { id, heads: [], unconfirmed: 0, bytes: 0, waiting: new Queue() };
      this.#routes.set(id, route);
    }
    post.holder = this;
    post.route = route;
    post.number = 0;
    if (!this.#usable) this.#giveBack([post], ended);
    else if (route.waiting.size === 0 && this.#mayLeave(route)) this.#send(route, post);
    else {
      route.waiting.push(post);
      this.#watch();
    }
  }

  /** Its publisher has given it up. */
  forget(post: Post): void {
    if (this.#unconfirmed.get(post.number) !== post) return;
    this.#link.write(`x${post.number}\n`);
    this.#over(post);
  }

  frame(letter: number, line: Line): void {
    switch (letter) {
      case letters.taken:
        for (const post of this.#unconfirmed.between(line.number(), line.number())) {
          this.#over(post);
          post.succeed();
        }
        break;
      case letters.error: {
        const post = this.#unconfirmed.get(line.number());
        if (post === undefined) break;
        this.#over(post);
        const { code, detail } = MicroError.parse(line.bytes?.toString() ?? line.rest());
        post.fail(code, `answered ${code}: ${detail}`);
        break;
      }
      case letters.goodbye:
        this.#link.write("k\n");
        this.#retire(ended);
    }
  }

  drain(): void {
    for (const route of this.#routes.values()) this.#proceed(route);
  }

  closed(cause?: Error): void {
    clearTimeout(this.#timer);
    const ending = this.#endingFor(cause);
    this.#retire(ending);
    this.#events.closed();
    this.#giveBack(this.#unconfirmed.clear(), ending);
  }

  /** Closes at once. Whatever is not confirmed comes back. */
  destroy(): void {
    this.#link.destroy();
  }

  #mayLeave(route: Route): boolean {
    return !this.#link.congested && route.unconfirmed < windowMessages && route.bytes < windowBytes;
  }

  #send(route: Route, post: Post): void {
    const { message } = post;
    const { fields } = this.#headFor(route, message);
    post.number = ++this.#lastNumber;
    post.deadline = performance.now() + this.#timeoutMs;
    post.heardBefore = this.#link.heardAt;
    this.#unconfirmed.set(post.number, post);
    route.unconfirmed++;
    route.bytes += message.size;
    this.#link.send(`${fields}${message.id} ${message.metadata} `, message.body, message.size);
    this.#watch();
  }

  #headFor(route: Route, { contentType, from }: Outgoing): Head {
    for (const head of route.heads) {
      if (head.contentType === contentType && head.from === from) return head;
    }
    if (this.#headCount >= maxHeads) this.#forgetHeads(route);
    const number = this.#headCount++;
    const head = { contentType, from, fields: `m${number} ` };
    route.heads.push(head);
    const named = { service: serviceName, endpoint: route.id, contentType, from };
    this.#link.send(`h${number} `, JSON.stringify(named));
    return head;
  }

  #forgetHeads(current: Route): void {
    this.#headCount = 0;
    for (const route of this.#routes.values()) {
      route.heads = [];
      const idle = route.unconfirmed === 0 && route.waiting.size === 0;
      if (idle && route !== current) this.#routes.delete(route.id);
    }
  }

  /** Nothing is waited for any more: others may leave. */
  #over(post: Post): void {
    const route = post.route as Route;
    this.#unconfirmed.delete(post.number);
    route.unconfirmed--;
    route.bytes -= post.message.size;
    if (route.waiting.size > 0) this.#proceed(route);
    if (!this.#usable && this.#unconfirmed.size === 0) this.#link.end();
  }

  #proceed(route: Route): void {
    while (this.#usable && this.#mayLeave(route)) {
      const post = route.waiting.shift();
      if (post === undefined) break;
      if (!post.ended) this.#send(route, post);
    }
  }

  /** Whatever is unconfirmed or waits has the timer, so each is settled in the end, whoever falls silent. */
  #watch(): void {
    this.#timer ??= setTimeout(() => {
      const now = performance.now();
      // Timers come before sockets: what this process was too busy to read is read first, or it would be sent again.
      setImmediate(() => this.#sweep(now));
    }, sweepMs);
  }

  /** @param now of the clock, since when all that had come was read */
  #sweep(now: number): void {
    this.#timer = undefined;
    for (const post of this.#unconfirmed.values()) {
      if (post.deadline > now) continue;
      this.#link.write(`x${post.number}\n`);
      // Nobody may be there any more if nothing else was heard since it left.
      if (post.heardBefore === this.#link.heardAt) this.#link.probe();
      this.#over(post);
      post.fail(503, `no answer within ${this.#timeoutMs} ms`, "timeout");
    }
    // With nothing unconfirmed that could be missed, what waits is held up by a peer that doesn't read.
    if (this.#link.congested && now - this.#link.heardAt > this.#timeoutMs) this.#link.probe();
    const waits = [...this.#routes.values()].some(({ waiting }) => waiting.size > 0);
    if (waits || this.#unconfirmed.size > 0) this.#watch();
  }

  /** Takes no further messages, and closes when those that have left are confirmed. Twice is once. */
  #retire(ending: Ending): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.#events.unusable();
    for (const route of this.#routes.values()) this.#giveBack(route.waiting.clear(), ending);
    if (this.#unconfirmed.size === 0) this.#link.end();
  }

  #giveBack(posts: readonly Post[], ending: Ending): void {
    for (const post of posts) {
      post.holder = undefined;
      if (!post.ended) this.#events.back(post, ending);
    }
  }

  #endingFor(cause: Error | undefined): Ending {
    if (this.#link.strange) {
      return { what: "it doesn't speak mux, as its record says", reason: "connection-failed", cause };
    }
    const silent = this.#secure && this.#link.heardAt === this.#openedAt;
    const known = cause === undefined ? undefined : tlsProblem(cause);
    const what = known ?? (silent ? closedInSilence : (cause?.message ?? ended.what));
    return { what, reason: "connection-lost", cause };
  }
}

const ended: Ending = { what: "the connection has ended", reason: "connection-lost" };
