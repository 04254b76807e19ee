/**
 * Implementations of all kinds that only write down what happens to them: what a service does with its parts
 * can then be read as a list.
 */

import { MicroError } from "../../src/errors.ts";
import type { Factory, Kind, OptionsOf, PartOf } from "../../src/kinds.ts";
import type { Handler, Subscriber } from "../../src/server/server.ts";

export interface Recorder {
  /** `broker b closed`, in order. */
  readonly events: string[];
  /** What each factory was given last, by its name. */
  readonly options: Map<string, Record<string, unknown>>;
  /** What each server was given, by its name. */
  readonly handlers: Map<string, string[]>;
  factory<K extends Kind>(kind: K, name: string): Factory<K>;
  /** Makes the step throw, such as `server s started`. */
  failAt(event: string): void;
  isFailing(event: string): boolean;
}

export function newRecorder(): Recorder {
  const events: string[] = [];
  const options = new Map<string, Record<string, unknown>>();
  const handlers = new Map<string, string[]>();
  const failing = new Set<string>();
  const happened = (event: string): void => {
    events.push(event);
    if (failing.has(event)) throw new MicroError({ id: "test", code: 500, detail: `failed at ${event}` });
  };

  const makers: { [K in Kind]: (name: string) => PartOf<K> } = {
    client: (name) => ({
      name,
      call: async <Response>(request: object) => {
        happened(`client ${name} called`);
        return request as Response;
      },
      stream: async () => {
        throw new MicroError({ id: "test", code: 501 });
      },
      publish: async (topic) => happened(`client ${name} published ${topic}`),
      close: async () => happened(`client ${name} closed`),
      [Symbol.asyncDispose]: async () => happened(`client ${name} closed`),
    }),
    server: (name) => {
      const got: string[] = [];
      handlers.set(name, got);
      let ready = false;
      const stop = async (): Promise<void> => {
        ready = false;
        happened(`server ${name} stopped`);
      };
      return {
        name,
        address: "127.0.0.1:1",
        get ready() {
          return ready;
        },
        handle: (handler: Handler) => void got.push(handler.name),
        subscribe: (subscriber: Subscriber) => void got.push(subscriber.topic),
        start: async () => {
          happened(`server ${name} started`);
          ready = true;
        },
        stop,
        [Symbol.asyncDispose]: stop,
      };
    },
    registry: (name) => ({
      name,
      register: async () => {},
      deregister: async () => {},
      getService: async () => [],
      listServices: async () => [],
      watch: async () => ({
        close: async () => {},
        [Symbol.asyncDispose]: async () => {},
        [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
      }),
      close: async () => happened(`registry ${name} closed`),
      [Symbol.asyncDispose]: async () => happened(`registry ${name} closed`),
    }),
    broker: (name) => ({
      name,
      address: "",
      supports: { ack: false, queue: false, order: false, redelivery: false },
      connect: async () => happened(`broker ${name} connected`),
      disconnect: async () => happened(`broker ${name} closed`),
      publish: async () => {},
      subscribe: async () => {
        throw new MicroError({ id: "test", code: 501 });
      },
      [Symbol.asyncDispose]: async () => happened(`broker ${name} closed`),
    }),
    selector: (name) => ({
      name,
      select: () => {
        throw new MicroError({ id: "test", code: 501 });
      },
      mark: () => {},
      reset: () => {},
      close: async () => happened(`selector ${name} closed`),
      [Symbol.asyncDispose]: async () => happened(`selector ${name} closed`),
    }),
    store: (name) => ({
      name,
      connect: async () => happened(`store ${name} connected`),
      read: async () => [],
      write: async () => {},
      delete: async () => {},
      list: async () => [],
      close: async () => happened(`store ${name} closed`),
      [Symbol.asyncDispose]: async () => happened(`store ${name} closed`),
    }),
    transport: (name) => ({
      name,
      dial: async () => {
        throw new MicroError({ id: "test", code: 501 });
      },
      listen: async () => {
        throw new MicroError({ id: "test", code: 501 });
      },
      close: async () => happened(`transport ${name} closed`),
      [Symbol.asyncDispose]: async () => happened(`transport ${name} closed`),
    }),
  };

  return {
    events,
    options,
    handlers,
    failAt: (event) => void failing.add(event),
    isFailing: (event) => failing.has(event),
    factory:
      <K extends Kind>(kind: K, name: string) =>
      (given: OptionsOf<K>) => {
        happened(`${kind} ${name} built`);
        options.set(name, { ...given });
        return makers[kind](name);
      },
  };
}

/** A name that no other test of this process uses: the tables are the process's. */
export function uniqueName(prefix: string): string {
  count++;
  return `${prefix}-${count}`;
}

let count = 0;
