import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { fuzzTest, mutated, pieces, type Random, sendTo, startStrangeServer } from "@ts-micro/fuzz";
import { newClient } from "../../src/client/mucp.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";

const logger = newLogger({ write: () => {} });
const registry = newMemoryRegistry({ addresses: [randomUUID()], logger });
after(() => registry.close());

const server = newServer({
  name: "fuzzed",
  address: "127.0.0.1:0",
  logger,
  drain: { propagationMs: 0 },
  parts: { registry },
});
after(() => server.stop());
server.handle(
  newHandler("Say", {
    Hello: (request: unknown) => request,
    Later: async (request: unknown) => request,
    Echo: async function* (requests: AsyncIterable<unknown>) {
      for await (const request of requests) yield request;
    },
  }),
);
await server.start();
const client = newClient({ parts: { registry }, logger });
after(() => client.close());

const words = [
  "q1 0 0 - {}\n",
  "s2 2 0 -\n",
  "i2 {}\n",
  " *5\n",
  "z2\n",
  "x1\n",
  "w2 1\n",
  "k\n",
  "h0 {}\n",
  "\n",
  "{",
];

/** What a client might send, and then what it might not. */
function callerBytes(random: Random): Buffer {
  const heads = ["Hello", "Later", "Echo"].map(
    (method, n) =>
      `h${n} ${JSON.stringify({ service: "fuzzed", endpoint: `Say.${method}`, contentType: "application/json" })}\n`,
  );
  const calls = Array.from({ length: 1 + random.length(10) }, (_, n) =>
    random.of([
      `q${n} ${random.below(3)} 50 - {"n":${n}}\n`,
      `s${n} 2 50 -\ni${n} {"n":1}\nz${n}\n`,
      `x${n}\n`,
    ]),
  );
  const bytes = Buffer.from(`${heads.join("")}${calls.join("")}`);
  return Buffer.concat([Buffer.from("ts-micro-mux/1\n"), mutated(random, bytes, words)]);
}

fuzzTest("a server outlives whatever a caller sends", { rounds: 60 }, async (random) => {
  await sendTo(server.address, pieces(random, callerBytes(random)));
  assert.deepEqual(await client.call({ service: "fuzzed", endpoint: "Say.Hello", body: { n: 1 } }), { n: 1 });
});

fuzzTest("a caller outlives whatever a server answers", { rounds: 60 }, async (random) => {
  const answers = Buffer.from(
    `ts-micro-mux/1\na1 {"n":1}\ni2 {"n":1}\nz2\ne1 {"id":"x","code":500}\nw2 5\ng\np\n${random.text(20, 'aeizw123 {"}\n')}`,
  );
  await using strange = await startStrangeServer(() => pieces(random, mutated(random, answers, words)));
  const name = `strange-${strange.address}`;
  const metadata = { protocol: "mucp", protocols: "mucp,mux" };
  const node = { id: name, address: strange.address, metadata };
  await registry.register({ name, version: "1", metadata: {}, endpoints: [], nodes: [node] });
  const request = { service: name, endpoint: "Say.Hello", body: {}, timeoutMs: 2_000, retries: 0 };
  await client.call(request).catch(() => {});
  try {
    const stream = await client.stream(request);
    await stream.send({});
    for await (const _ of stream);
  } catch {
    // It may fail in any way that is an error of the call.
  }
  assert.deepEqual(await client.call({ service: "fuzzed", endpoint: "Say.Later", body: { n: 2 } }), { n: 2 });
});
