import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newLogger, type Parts } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import type { CallOptions, Client, ClientOptions } from "ts-micro/client";
import { type Node, newMemoryRegistry, type Registry } from "ts-micro/registry";
import {
  type HandlerOptions,
  type MethodsOf,
  newHandler,
  type Server,
  type ServerOptions,
} from "ts-micro/server";
import type { ClientServerSubject, ClientServerSupports } from "../client-server.ts";
import { newTurnSelector, type TurnSelector } from "./turn-selector.ts";

/** What every test of the suite works with. */
export interface ClientServerBench {
  readonly supports: ClientServerSupports;
  readonly contentTypes: Readonly<Record<string, unknown>>;
  readonly peer: RegExp;
  /** A test in a world of its own, which is taken down when it ends, however it ends. */
  test(name: string, run: (world: World) => Promise<void>): void;
}

/** Services that know each other and nobody else. */
export interface World {
  /** Name of the service that `serve` starts and `call` calls, where nothing else is said. */
  readonly service: string;
  readonly registry: Registry;
  /** Shared by all clients of the world. */
  readonly selector: TurnSelector;
  /** A started server; several of one name are nodes of one service, chosen in the order in which they came. */
  serve(methods: Methods, options?: ServeOptions): Promise<Server>;
  /** A server that isn't started. */
  create(options?: ServerOptions): Server;
  client(options?: ClientOptions): Client;
  /** Calls `Test.<method>` with a client that all such calls share. */
  call<Response = unknown>(method: string, body?: unknown, options?: CallOptions): Promise<Response>;
  /** The request for `Test.<method>` of the world's service. */
  request(method: string, options?: CallOptions): CallOptions & { service: string; endpoint: string };
  /** Adds a node where nobody listens, before those that are there. */
  addDeadNode(): Promise<Node>;
  /** The parts for something that a test builds itself. */
  parts(): Partial<Parts>;
}

/** The endpoints of handler `Test`. */
export type Methods = MethodsOf<string>;

export interface ServeOptions extends ServerOptions {
  endpoints?: HandlerOptions["endpoints"];
}

const everything: ClientServerSupports = {
  streams: true,
  halfClose: true,
  streamsAreMarked: true,
  metadata: true,
  deadlines: true,
  cancellation: true,
  schemas: true,
};

/** Handlers that fail do so on purpose here. */
const logger = newLogger({ write: () => {} });

export function newClientServerBench(subject: ClientServerSubject): ClientServerBench {
  return {
    supports: { ...everything, ...subject.supports },
    contentTypes: subject.contentTypes ?? {},
    peer: subject.peer ?? /:\d+$/,
    test(name, run) {
      test(name, { timeout: subject.timeoutMs ?? 30_000 }, async () => {
        const hub = randomUUID();
        const closing: (() => Promise<void>)[] = [];
        try {
          await run(newWorld(subject, hub, (close) => closing.push(close)));
        } finally {
          // What was made last uses what was made before it.
          for (const close of closing.reverse()) await close();
        }
      });
    },
  };
}

function newWorld(
  subject: ClientServerSubject,
  hub: string,
  onClose: (close: () => Promise<void>) => void,
): World {
  const service = `test.${hub.slice(0, 8)}`;
  const registry = newMemoryRegistry({ addresses: [hub], logger });
  onClose(() => registry.close());
  const selector = newTurnSelector(registry);
  let servers = 0;
  let shared: Client | undefined;

  const parts = (): Partial<Parts> => {
    const broker = newMemoryBroker({ addresses: [hub], logger });
    onClose(() => broker.disconnect());
    const transport = subject.newTransport?.(hub);
    if (transport !== undefined) onClose(() => transport.close());
    return { registry, selector, broker, ...(transport !== undefined && { transport }) };
  };

  const world: World = {
    service,
    registry,
    selector,
    parts,
    create(options = {}) {
      const server = subject.newServer({
        name: service,
        // The selector goes by the ids of nodes.
        id: String(servers++).padStart(4, "0"),
        address: subject.address ?? "127.0.0.1:0",
        registerIntervalMs: 0,
        drain: { propagationMs: 0, budgetMs: 0 },
        logger,
        parts: parts(),
        ...options,
      });
      onClose(() => server.stop());
      return server;
    },
    async serve(methods, { endpoints, ...options } = {}) {
      const server = world.create(options);
      server.handle(newHandler("Test", methods, { ...(endpoints !== undefined && { endpoints }) }));
      await server.start();
      return server;
    },
    client(options = {}) {
      const client = subject.newClient({
        backoff: () => 0,
        logger,
        ...options,
        parts: { ...parts(), ...options.parts },
      });
      onClose(() => client.close());
      return client;
    },
    call<Response>(method: string, body?: unknown, options: CallOptions = {}): Promise<Response> {
      shared ??= world.client();
      return shared.call<Response>({ ...world.request(method, options), body });
    },
    request: (method, options = {}) => ({ service, endpoint: `Test.${method}`, ...options }),
    async addDeadNode() {
      const [record] = await registry.getService(service);
      const [like] = record?.nodes ?? [];
      if (record === undefined || like === undefined) throw new Error("start a server first");
      // Sorts before all others, so that it is chosen first. Port 1 is nobody's.
      const node = { ...like, id: `0-${randomUUID()}`, address: "127.0.0.1:1" };
      await registry.register({ ...record, nodes: [node] });
      return node;
    },
  };
  return world;
}
