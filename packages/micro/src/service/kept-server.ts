/**
 * The server that a service shows: it keeps the handlers and subscribers of the program, so that whichever
 * server is chosen in the end gets them.
 */
import { conflict } from "../errors.ts";
import type { Handler, Server, Subscriber } from "../server/server.ts";

export class KeptServer implements Server {
  readonly #handlers: Handler[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #present: () => Server;
  readonly #built: () => Server | undefined;

  /** `built` gives the server only if it is there already: keeping a handler builds none. */
  constructor(present: () => Server, built: () => Server | undefined) {
    this.#present = present;
    this.#built = built;
  }

  get name(): string {
    return this.#present().name;
  }

  get address(): string {
    return this.#present().address;
  }

  get ready(): boolean {
    return this.#built()?.ready ?? false;
  }

  /** True when there is something to serve that the program added. */
  get hasWork(): boolean {
    return this.#subscribers.length > 0 || this.#handlers.length > 0;
  }

  handle(handler: Handler): void {
    if (this.#handlers.some(({ name }) => name === handler.name)) {
      throw conflict(
        "go.micro.server",
        `the handler ${handler.name} is there already; give one of them another name`,
      );
    }
    this.#built()?.handle(handler);
    this.#handlers.push(handler);
  }

  subscribe(subscriber: Subscriber): void {
    this.#built()?.subscribe(subscriber);
    this.#subscribers.push(subscriber);
  }

  /** Hands everything kept to a new server. */
  equip(server: Server): void {
    for (const handler of this.#handlers) server.handle(handler);
    for (const subscriber of this.#subscribers) server.subscribe(subscriber);
  }

  async start(): Promise<void> {
    await Promise.all(this.#handlers.map(({ ready }) => ready));
    return this.#present().start();
  }

  async stop(): Promise<void> {
    await this.#built()?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
