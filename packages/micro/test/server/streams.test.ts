import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { parseAddress } from "../../src/address.ts";
import type { Context } from "../../src/context.ts";
import { badRequest, MicroError } from "../../src/errors.ts";
import { newHandler, stream } from "../../src/server/handler.ts";
import { callHeader, example, post, type RawClient } from "./raw-client.ts";
import { setUp, signal } from "./start-server.ts";

interface Count {
  count: number;
}

function streamHeader(endpoint: string, id = "7", more: Record<string, string> = {}) {
  const { Timeout: _none, ...header } = callHeader(endpoint, { "Micro-Id": id, "Micro-Stream": id, ...more });
  return header;
}

/** Opens a stream: the body of the first message is thrown away, as go-micro does. */
function open(client: RawClient, endpoint: string, id = "7"): void {
  client.write(post(streamHeader(endpoint, id), '{"count":100}\n'));
}

function send(client: RawClient, endpoint: string, value: unknown, id = "7"): void {
  client.write(post(streamHeader(endpoint, id), `${JSON.stringify(value)}\n`));
}

function end(client: RawClient, endpoint: string, id = "7", more: Record<string, string> = {}): void {
  client.write(post(streamHeader(endpoint, id, { "Micro-Error": "EOS", ...more })));
}

async function startStreams(context: TestContext, handler: Record<string, unknown>) {
  const all = setUp(context);
  all.server.handle(newHandler("Stream", handler));
  await all.server.start();
  return { ...all, client: await all.connect() };
}

const echo = {
  Echo: stream(async function* (requests: AsyncIterable<unknown>) {
    yield* requests;
  }),
};

test("E5: a server stream, byte for byte", async (context) => {
  const { client } = await startStreams(context, {
    Count: stream(async function* (requests: AsyncIterable<Count>) {
      for await (const { count } of requests) {
        for (let n = 1; n <= count; n++) yield { n };
        return;
      }
    }),
  });
  open(client, "Stream.Count");
  send(client, "Stream.Count", { count: 2 });
  for (const n of [1, 2]) {
    assert.equal(
      (await client.answer()).raw,
      example(`
HTTP/1.1 200 OK
Content-Length: 8
Content-Type: application/json
Micro-Endpoint: Stream.Count
Micro-Id: 7
Micro-Method: Stream.Count
Micro-Service: go.micro.srv.greeter
Micro-Stream: 7
X-Micro-Endpoint: Stream.Count
X-Micro-Id: 7
X-Micro-Method: Stream.Count
X-Micro-Service: go.micro.srv.greeter

{"n":${n}}␊`),
    );
  }
  assert.equal(
    (await client.answer()).raw,
    example(`
HTTP/1.1 200 OK
Content-Type: application/json
Micro-Endpoint: Stream.Count
Micro-Error: EOS
Micro-Id: 7
Micro-Method: Stream.Count
Micro-Service: go.micro.srv.greeter
Micro-Stream: 7
X-Micro-Error: EOS
Content-Length: 0

`),
  );
});

test("the end of a stream reaches the caller in every codec, and after the caller's own end", async (context) => {
  const { client } = await startStreams(context, echo);
  for (const [n, contentType] of [
    "application/protobuf",
    "application/octet-stream",
    "application/json",
  ].entries()) {
    const header = { ...streamHeader("Stream.Echo", String(n)), "Content-Type": contentType };
    client.write(post(header));
    client.write(post(header, '"x"'));
    client.write(post({ ...header, "Micro-Error": "EOS" }));
    assert.equal((await client.answer()).body.toString().trim(), '"x"');
    assert.equal((await client.answer()).header["Micro-Error"], "EOS");
  }
});

test("a half-close is confirmed at once", async (context) => {
  const gate = signal();
  const { client } = await startStreams(context, {
    Sum: stream(async function* (requests: AsyncIterable<number>) {
      let sum = 0;
      for await (const request of requests) sum += request;
      await gate.promise;
      yield sum;
    }),
  });
  open(client, "Stream.Sum");
  send(client, "Stream.Sum", 20);
  send(client, "Stream.Sum", 22);
  end(client, "Stream.Sum", "7", { "Micro-Half-Close": "true" });
  const confirmation = await client.answer();
  assert.equal(confirmation.header["Micro-Half-Close"], "true");
  assert.equal(confirmation.header["Micro-Stream"], "7");
  assert.equal(confirmation.body.length, 0);
  gate.done();
  assert.equal((await client.answer()).body.toString(), "42\n");
  assert.equal((await client.answer()).header["Micro-Error"], "EOS");
});

test("streams of one connection are told apart, and calls go on beside them", async (context) => {
  const { client, server } = await startStreams(context, echo);
  server.handle(newHandler("Say", { Hi: () => "hi" }));
  open(client, "Stream.Echo", "1");
  open(client, "Stream.Echo", "2");
  send(client, "Stream.Echo", "b", "2");
  const second = await client.answer();
  assert.deepEqual([second.header["Micro-Stream"], second.body.toString()], ["2", '"b"\n']);
  assert.equal((await client.ask(post(callHeader("Say.Hi"), "{}"))).body.toString(), '"hi"\n');
  send(client, "Stream.Echo", "a", "1");
  const first = await client.answer();
  assert.deepEqual([first.header["Micro-Stream"], first.body.toString()], ["1", '"a"\n']);
});

test("what comes for a stream whose handler has ended starts no new one", async (context) => {
  let runs = 0;
  const { client, server } = await startStreams(context, {
    Once: stream(async function* () {
      runs++;
      yield runs;
    }),
  });
  server.handle(newHandler("Say", { Hi: () => "hi" }));
  open(client, "Stream.Once");
  assert.equal((await client.answer()).body.toString(), "1\n");
  assert.equal((await client.answer()).header["Micro-Error"], "EOS");
  send(client, "Stream.Once", {});
  send(client, "Stream.Once", {});
  end(client, "Stream.Once");
  // A late end of a stream that both sides have ended is nothing either.
  end(client, "Stream.Once");
  assert.equal((await client.ask(post(callHeader("Say.Hi"), "{}"))).body.toString(), '"hi"\n');
  assert.equal(runs, 1);
  // When both have ended it, the id is free again.
  open(client, "Stream.Once");
  assert.equal((await client.answer()).body.toString(), "2\n");
});

test("what a stream's handler throws ends the stream with that error", async (context) => {
  const { client } = await startStreams(context, {
    async *Throw() {
      yield 1;
      throw badRequest("greeter", "enough");
    },
    NoAnswers: stream((() => 1) as never),
    Unencodable: stream(async function* () {
      yield 1n;
    }),
    Strict: stream(async function* (requests: AsyncIterable<unknown>) {
      for await (const request of requests) yield request;
    }),
  });
  const lastError = async (endpoint: string, id: string) => {
    open(client, endpoint, id);
    for (;;) {
      const { header } = await client.answer();
      if (header["Micro-Error"] !== undefined) return MicroError.parse(header["Micro-Error"]);
    }
  };
  const thrown = await lastError("Stream.Throw", "1");
  assert.deepEqual([thrown.id, thrown.code, thrown.detail], ["greeter", 400, "enough"]);
  assert.match(
    (await lastError("Stream.NoAnswers", "2")).detail,
    /returned nothing to iterate over; write it as async function\*/,
  );
  assert.match((await lastError("Stream.Unencodable", "3")).detail, /can't encode/);
  assert.match((await lastError("Stream.Nope", "4")).detail, /can't find method Nope/);
  // What was sent for a stream that never came to be is not answered once more.
  send(client, "Stream.Nope", {}, "4");
  open(client, "Stream.Strict", "5");
  client.write(post(streamHeader("Stream.Strict", "5"), "{broken"));
  const undecodable = MicroError.parse((await client.answer()).header["Micro-Error"] ?? "");
  assert.equal(undecodable.code, 400);
});

test("a stream that is called without a stream says how to open it", async (context) => {
  const { client } = await startStreams(context, echo);
  const { header } = await client.ask(post(callHeader("Stream.Echo"), "{}"));
  const error = MicroError.parse(header["Micro-Error"] ?? "");
  assert.equal(error.code, 400);
  assert.match(error.detail, /Stream\.Echo is a stream/);
});

test("a stream that a Go subscriber opens carries the event's topic, and is a stream all the same", async (context) => {
  const { client } = await startStreams(context, echo);
  const header = streamHeader("Stream.Echo", "7", { "Micro-Topic": "user.created" });
  client.write(post(header, "{}"));
  client.write(post(header, '"x"'));
  assert.equal((await client.answer()).body.toString(), '"x"\n');
});

test("when the caller goes away, the requests fail, the signal aborts, and finally blocks run", async (context) => {
  const running = signal();
  const cleaned = signal<unknown>();
  const aborted = signal<unknown>();
  const { client } = await startStreams(context, {
    Wait: stream(async function* (requests: AsyncIterable<unknown>, { signal }: Context) {
      signal.addEventListener("abort", () => aborted.done(signal.reason));
      let failure: unknown;
      try {
        running.done();
        for await (const request of requests) yield request;
      } catch (thrown) {
        failure = thrown;
      } finally {
        cleaned.done(failure);
      }
    }),
  });
  open(client, "Stream.Wait");
  await running.promise;
  client.destroy();
  for (const reason of [await aborted.promise, await cleaned.promise]) {
    assert.ok(MicroError.is(reason) && reason.code === 499, String(reason));
  }
});

test("an error of the caller's reaches the handler's loop", async (context) => {
  const { client } = await startStreams(context, {
    Catch: stream(async function* (requests: AsyncIterable<unknown>) {
      try {
        for await (const _ of requests);
      } catch (thrown) {
        yield MicroError.from(thrown).detail;
      }
    }),
  });
  open(client, "Stream.Catch");
  client.write(post(streamHeader("Stream.Catch", "7", { "Micro-Error": "changed my mind" })));
  assert.equal((await client.answer()).body.toString(), '"changed my mind"\n');
});

test("a handler that doesn't read holds the caller back, and loses nothing", async (context) => {
  const gate = signal();
  let read = 0;
  const total = 2_000;
  const { client, connect } = await startStreams(context, {
    Slow: stream(async function* (requests: AsyncIterable<string>) {
      await gate.promise;
      for await (const _ of requests) read++;
      yield read;
    }),
  });
  open(client, "Stream.Slow");
  const message = post(streamHeader("Stream.Slow"), JSON.stringify("x".repeat(32 * 1024)));
  for (let n = 0; n < total; n++) client.write(message);
  end(client, "Stream.Slow");
  const other = await connect();
  let waiting = -1;
  while (client.socket.writableLength !== waiting) {
    waiting = client.socket.writableLength;
    for (let n = 0; n < 5; n++) await other.ask(post(callHeader("Debug.Health"), "{}"));
  }
  // What the server takes without a reader is bounded, so most of it still waits here.
  assert.ok(waiting > (total * 32 * 1024) / 2, `${waiting} bytes wait`);
  gate.done();
  assert.equal((await client.answer()).body.toString(), `${total}\n`);
});

test("a caller that doesn't read holds the handler back", async (context) => {
  let made = 0;
  const total = 4_000;
  const { client, connect } = await startStreams(context, {
    Pour: stream(async function* () {
      for (; made < total; made++) yield "x".repeat(32 * 1024);
    }),
  });
  client.socket.pause();
  open(client, "Stream.Pour");
  const other = await connect();
  let before = -1;
  while (made === 0 || made !== before) {
    before = made;
    await other.ask(post(callHeader("Debug.Health"), "{}"));
    await other.ask(post(callHeader("Debug.Health"), "{}"));
  }
  assert.ok(made < total, `${made} answers wait in memory`);
  client.socket.resume();
  for (let n = 0; n < total; n++) await client.answer();
  assert.equal((await client.answer()).header["Micro-Error"], "EOS");
});

test("a handler that is held back notices that its caller has gone", async (context) => {
  const cleaned = signal();
  const { client, connect } = await startStreams(context, {
    Pour: stream(async function* () {
      try {
        for (;;) yield "x".repeat(32 * 1024);
      } finally {
        cleaned.done();
      }
    }),
  });
  client.socket.pause();
  open(client, "Stream.Pour");
  const other = await connect();
  await other.ask(post(callHeader("Debug.Health"), "{}"));
  client.destroy();
  await cleaned.promise;
});

test("wrappers see a stream as an iterable of requests and one of answers", async (context) => {
  const seen: unknown[] = [];
  const { server, connect } = setUp(context, {
    wrapHandler: [
      (next) => async (request, context) => {
        seen.push(request.streaming, request.endpoint);
        return next(request, context);
      },
    ],
  });
  server.handle(newHandler("Stream", echo));
  await server.start();
  const client = await connect();
  open(client, "Stream.Echo");
  send(client, "Stream.Echo", "x");
  assert.equal((await client.answer()).body.toString(), '"x"\n');
  assert.deepEqual(seen, [true, "Stream.Echo"]);
});

test("a handler that waits for nothing leaves others their turn, and ends when its caller has left", async (context) => {
  const ended = signal();
  const { server, client } = await startStreams(context, {
    Endless: stream(async function* () {
      try {
        for (let n = 0; ; n++) yield { n };
      } finally {
        ended.done();
      }
    }),
    Ping: () => ({ pong: true }),
  });
  // In a thread of its own, so that it reads whatever this one does.
  const reader = new Worker(
    `const { workerData: [port, text], parentPort } = require("node:worker_threads");
     const socket = require("node:net").connect(port, "127.0.0.1", () => socket.write(text));
     socket.once("data", () => parentPort.postMessage("reads")).resume();`,
    { eval: true, workerData: [parseAddress(server.address).port, post(streamHeader("Stream.Endless"))] },
  );
  await once(reader, "message");
  client.write(post(callHeader("Stream.Ping"), "{}"));
  assert.match((await client.answer()).raw, /{"pong":true}/);
  await reader.terminate();
  await ended.promise;
});
