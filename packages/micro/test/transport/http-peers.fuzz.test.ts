import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { fuzzTest, pieces, type Random, sendTo, startStrangeServer } from "@ts-micro/fuzz";
import { newHttpBroker } from "../../src/broker/http.ts";
import { newClient } from "../../src/client/mucp.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { type Kind, stream } from "./http-grammar.ts";

const logger = newLogger({ write: () => {} });
const registry = newMemoryRegistry({ addresses: [randomUUID()], logger });
after(() => registry.close());
const parts = { registry };

const server = newServer({
  name: "fuzzed",
  address: "127.0.0.1:0",
  logger,
  drain: { propagationMs: 0 },
  parts,
});
after(() => server.stop());
server.handle(newHandler("Say", { Hello: (request: unknown) => request }));
await server.start();
const client = newClient({ parts, logger, mux: false });
after(() => client.close());

const broker = newHttpBroker({ addresses: ["127.0.0.1:0"], logger, parts });
after(() => broker.disconnect());
await broker.connect();
let heard = 0;
await broker.subscribe("news", () => {
  heard++;
});

/** Messages with and without flaws, random bytes, and both. */
function strange(random: Random, kind: Kind): Buffer {
  return random.of([
    () => stream(random, kind),
    () => random.bytes(random.length(300)),
    () => Buffer.concat([stream(random, kind), random.bytes(random.length(100))]),
  ])();
}

fuzzTest(
  "a server outlives whatever a caller sends, and closes the connection",
  { rounds: 80 },
  async (random) => {
    await sendTo(server.address, pieces(random, strange(random, "request")));
    const answer = await client.call({ service: "fuzzed", endpoint: "Say.Hello", body: { n: 1 } });
    assert.deepEqual(answer, { n: 1 });
  },
);

fuzzTest(
  "a broker outlives whatever is posted to it, and closes the connection",
  { rounds: 80 },
  async (random) => {
    await sendTo(broker.address, pieces(random, strange(random, "request")));
    const before = heard;
    await broker.publish("news", { header: {}, body: Buffer.from("{}") });
    while (heard === before) await new Promise((resolve) => setImmediate(resolve));
  },
);

/** What the listener answers in the present round. One for all of them: a long run would use up the ports. */
let answer: readonly Buffer[] = [];
const listener = await startStrangeServer(() => answer);
after(() => listener[Symbol.asyncDispose]());

fuzzTest("a caller outlives whatever a server answers", { rounds: 80 }, async (random) => {
  answer = [...pieces(random, strange(random, "response"))];
  const request = { service: "strange", endpoint: "Say.Hello", addresses: [listener.address] };
  await client.call({ ...request, timeoutMs: 5_000, retries: 0 }).catch(() => {});
  assert.deepEqual(await client.call({ service: "fuzzed", endpoint: "Say.Hello", body: 2 }), 2);
});
