import { type CallFunction, newClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { type HandlerFunction, newHandler, newServer, stream } from "ts-micro/server";
import { newHttpTransport, type Transport } from "ts-micro/transport";
import { type Answer, answerTo, type Contender, itemsFor, type Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

/** Our default client and server, JSON bodies: many calls on one connection. */
export const mux = ours({ mux: true });

/** The same with `mux: false`: mucp over HTTP/1.1 and a pool of connections, as with go-micro. */
export const mucp = ours({ mux: false });

/** The first, with bodies as packed JSON. */
export const muxPacked = ours({ mux: true, contentType: "application/vnd.ts-micro.packed" });

/** Both of them through NATS: no process has a port. */
export const muxNats = ours({ mux: true, ...overNats() });
export const mucpNats = ours({ mux: false, ...overNats() });

/** The first, with a wrapper around each attempt and one around the handler, which do nothing but await. */
export const muxWrapped = ours({
  mux: true,
  wrapCall: [
    (next: CallFunction): CallFunction =>
      async (attempt) =>
        await next(attempt),
  ],
  wrapHandler: [
    (next: HandlerFunction): HandlerFunction =>
      async (request, context) =>
        await next(request, context),
  ],
});

/** The first, with 999 further nodes of the service in the registry; all have the one address there is. */
export const muxManyNodes = ours({ mux: true }, 1_000);

interface Options {
  readonly mux: boolean;
  /** @default JSON */
  readonly contentType?: string;
  /** Where the server listens. @default any port of this machine */
  readonly address?: string;
  readonly newTransport?: () => Transport | Promise<Transport>;
  readonly wrapCall?: readonly ((next: CallFunction) => CallFunction)[];
  readonly wrapHandler?: readonly ((next: HandlerFunction) => HandlerFunction)[];
}

function overNats(): Pick<Options, "address" | "newTransport"> {
  // Port 0 is a subject of its own.
  const newTransport = async (): Promise<Transport> => {
    // Imported here, so that a process which is timed from its start has only what it uses.
    const nats = await import("@ts-micro/transport-nats");
    return nats.newTransport({ addresses: [natsAddress()] });
  };
  return { address: ":0", newTransport };
}

function ours(options: Options, nodeCount = 1): Contender {
  const { mux, contentType = "application/json", wrapCall = [], wrapHandler = [] } = options;
  const { address: listenAddress = "127.0.0.1:0", newTransport = newHttpTransport } = options;
  return {
    async serve() {
      const transport = await newTransport();
      const server = newServer({
        name: "bench",
        address: listenAddress,
        drain: { propagationMs: 0 },
        parts: { registry: newMemoryRegistry({ addresses: ["bench-server"] }), transport },
        mux,
        wrapHandler,
      });
      server.handle(
        newHandler("Bench", {
          Hello: (question: Question) => answerTo(question),
          Items: stream(async function* (questions: AsyncIterable<Question>) {
            for await (const question of questions) yield* itemsFor(question);
          }),
        }),
      );
      await server.start();
      return {
        address: server.address,
        async close() {
          await server.stop();
          await transport.close();
        },
      };
    },

    async connect(address) {
      // As a registry that both processes share would have it.
      const registry = newMemoryRegistry({ addresses: [address] });
      const metadata = mux
        ? { protocol: "mucp", protocols: "mucp,mux", codecs: "application/vnd.ts-micro.packed" }
        : { protocol: "mucp" };
      const nodes = Array.from({ length: nodeCount }, (_, index) => ({
        id: `bench-${index}`,
        address,
        metadata,
      }));
      await registry.register({ name: "bench", version: "1", metadata: {}, endpoints: [], nodes });
      const transport = await newTransport();
      const client = newClient({ parts: { registry, transport }, mux, contentType, wrapCall });
      return {
        call: (body) => client.call<Answer>({ service: "bench", endpoint: "Bench.Hello", body }),
        async *items(question) {
          const opened = await client.stream<Answer, Question>({ service: "bench", endpoint: "Bench.Items" });
          await opened.send(question);
          await opened.end();
          yield* opened;
        },
        async close() {
          await client.close();
          await transport.close();
        },
      };
    },
  };
}
