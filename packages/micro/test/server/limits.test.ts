/** Bodies that are too large for the transport: told to who can do something about it, and nothing else breaks. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newHandler, stream } from "../../src/server/handler.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { newMemoryTransport } from "../../src/transport/memory.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { setUp } from "./start-server.ts";

const logger = newLogger({ write: () => {} });
const timeout = 30_000;
/** JSON makes 1_000 bytes of a text of 997 letters: two quotes and a line feed. */
const limit = 1_000;
const fits = "x".repeat(limit - 3);
const large = "x".repeat(limit - 2);

for (const [name, newTransport] of [
  ["http", (_hub: string, maxMessageBytes: number) => newHttpTransport({ logger, maxMessageBytes })],
  [
    "memory",
    (hub: string, maxMessageBytes: number) => newMemoryTransport({ addresses: [hub], maxMessageBytes }),
  ],
] as const) {
  test(`over ${name}, an answer of exactly the limit arrives, and one more byte is an error with both sizes`, {
    timeout,
  }, async (context) => {
    const { call } = await serve(context, (hub) => newTransport(hub, limit));
    assert.equal(await call("Say.Text", { length: fits.length }), fits);
    await assert.rejects(call("Say.Text", { length: large.length }), (error) => {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.code, error.id], [500, "go.micro.server"]);
      assert.match(
        error.detail,
        /^the answer of Say\.Text has 1001 bytes, of 1000 allowed; .*maxMessageBytes/,
      );
      return true;
    });
    assert.equal(await call("Say.Text", { length: 1 }), "x");
  });

  test(`over ${name}, so is an item of a stream, after those that came before it`, {
    timeout,
  }, async (context) => {
    const { client, request, ended } = await serve(context, (hub) => newTransport(hub, limit));
    await using items = await client.stream(request("Say.Items"));
    await items.send([fits.length, 1, large.length, 2]);
    const received: unknown[] = [];
    await assert.rejects(
      async () => {
        for await (const item of items) received.push(item);
      },
      {
        code: 500,
        message: /an answer of the stream Say\.Items has 1001 bytes, of 1000 allowed/,
      },
    );
    assert.deepEqual(received, [fits, "x"]);
    assert.deepEqual(ended, ["finally"]);
  });

  test(`over ${name}, a request that is too large doesn't leave, and neither does a message of a stream`, {
    timeout,
  }, async (context) => {
    const { client, call, request } = await serve(context, (hub) => newTransport(hub, limit));
    const refusal = {
      code: 413,
      reason: "too-large",
      message: /the request for Say\.\w+ has 1001 bytes, of 1000 allowed/,
    };
    assert.equal(await call("Say.Echo", fits), fits);
    await assert.rejects(call("Say.Echo", large), refusal);
    assert.equal(await call("Say.Echo", "again"), "again");
    await using items = await client.stream(request("Say.Echoes"));
    await assert.rejects(items.send(large), refusal);
    await items.send("fine");
    await items.end();
    const received: unknown[] = [];
    for await (const item of items) received.push(item);
    assert.deepEqual(received, ["fine"]);
  });

  test(`over ${name}, a caller with a lower limit is told both sizes and what to raise`, {
    timeout,
  }, async (context) => {
    const { call } = await serve(
      context,
      (hub) => newTransport(hub, 10 * limit),
      (hub) => newTransport(hub, limit),
    );
    await assert.rejects(call("Say.Text", { length: 4_997 }), (error) => {
      assert.ok(MicroError.is(error));
      assert.equal(error.reason, "too-large");
      assert.match(error.detail, /body longer than 1000 bytes: it has 5000; raise maxMessageBytes/);
      return true;
    });
    assert.equal(await call("Say.Text", { length: 1 }), "x");
  });
}

test("what the transport carries is the limit, also above the default", { timeout }, async (context) => {
  const { call } = await serve(context, () => newHttpTransport({ logger, maxMessageBytes: 8 * 1024 * 1024 }));
  const text = await call("Say.Text", { length: 6 * 1024 * 1024 });
  assert.equal((text as string).length, 6 * 1024 * 1024);
});

type NewTransport = (hub: string) => Transport;

async function serve(context: TestContext, forServer: NewTransport, forClient: NewTransport = forServer) {
  const hub = randomUUID();
  const ended: string[] = [];
  const { server } = setUp(context, { transport: forServer(hub) });
  server.handle(
    newHandler("Say", {
      Text: ({ length }: { length: number }) => "x".repeat(length),
      Echo: (text: string) => text,
      Items: stream(async function* (requests: AsyncIterable<number[]>) {
        try {
          for await (const lengths of requests) for (const length of lengths) yield "x".repeat(length);
        } finally {
          ended.push("finally");
        }
      }),
      Echoes: stream(async function* (requests: AsyncIterable<string>) {
        yield* requests;
      }),
    }),
  );
  await server.start();
  const client = newClient({ logger, retries: 0, parts: { transport: forClient(hub) } });
  context.after(() => client.close());
  const request = (endpoint: string) => ({ service: "say", endpoint, addresses: [server.address] });
  const call = (endpoint: string, body: unknown) => client.call({ ...request(endpoint), body });
  return { client, request, call, ended };
}
