import assert from "node:assert/strict";
import { type Context, conflict, MicroError } from "ts-micro";
import type { ClientStream } from "ts-micro/client";
import { stream } from "ts-micro/server";
import { newGate } from "../inbox.ts";
import type { ClientServerBench, World } from "./bench.ts";

export function streamTests(bench: ClientServerBench): void {
  const { halfClose, cancellation } = bench.supports;

  bench.test("one request, many answers", async (world) => {
    await world.serve({
      Count: stream(async function* (requests: AsyncIterable<{ to: number }>) {
        for await (const { to } of requests) {
          for (let n = 1; n <= to; n++) yield { n };
          return;
        }
      }),
    });
    const counting = await open<{ n: number }>(world, "Count");
    await counting.send({ to: 1_000 });
    const answers = await readAll(counting);
    assert.deepEqual(
      answers.map(({ n }) => n),
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    );
    assert.deepEqual(await readAll(counting), [], "it has ended");
  });

  bench.test("requests and answers in turn", async (world) => {
    await world.serve({ Double: doubling });
    const doubled = await open<{ n: number }>(world, "Double");
    const answers = doubled[Symbol.asyncIterator]();
    for (let n = 0; n < 100; n++) {
      await doubled.send({ n });
      assert.deepEqual(await answers.next(), { done: false, value: { n: 2 * n } });
    }
    await doubled.close();
  });

  if (halfClose) {
    bench.test("many requests, one answer", async (world) => {
      await world.serve({
        Sum: stream(async function* (requests: AsyncIterable<{ n: number }>) {
          let sum = 0;
          for await (const { n } of requests) sum += n;
          yield { sum };
        }),
      });
      const summing = await open<{ sum: number }>(world, "Sum");
      for (let n = 1; n <= 1_000; n++) await summing.send({ n });
      await summing.end();
      await summing.end();
      assert.deepEqual(await readAll(summing), [{ sum: 500_500 }]);
    });

    bench.test("a stream without a request, and one without anything", async (world) => {
      await world.serve({ Double: doubling, Nothing: stream(async function* () {}) });
      const doubled = await open(world, "Double");
      await doubled.end();
      assert.deepEqual(await readAll(doubled), []);
      assert.deepEqual(await readAll(await open(world, "Nothing")), []);
    });

    bench.test("after the end no request is taken", async (world) => {
      await world.serve({ Double: doubling });
      const doubled = await open(world, "Double");
      await doubled.send({ n: 1 });
      await doubled.end();
      await assert.rejects(doubled.send({ n: 2 }), { code: 503, reason: "closed" });
      assert.deepEqual(await readAll(doubled), [{ n: 2 }]);
    });
  }

  bench.test("an error comes after the answers before it, whole", async (world) => {
    await world.serve({
      Fail: stream(async function* (): AsyncGenerator<{ n: number }> {
        yield { n: 1 };
        yield { n: 2 };
        throw conflict("test", "taken: 100 %");
      }),
      Throw: stream(async function* (): AsyncGenerator<{ n: number }> {
        yield { n: 1 };
        throw new Error("disk full");
      }),
    });
    const failing = await open<{ n: number }>(world, "Fail");
    const read: unknown[] = [];
    const failed = (async () => {
      for await (const each of failing) read.push(each);
    })();
    await assert.rejects(failed, { id: "test", code: 409, detail: "taken: 100 %", reason: undefined });
    assert.deepEqual(read, [{ n: 1 }, { n: 2 }]);
    await assert.rejects(readAll(await open(world, "Throw")), {
      id: world.service,
      code: 500,
      detail: /disk full/,
    });
  });

  bench.test(
    "an endpoint that isn't there, or is no stream, is an error and not a silence",
    async (world) => {
      await world.serve({ Double: doubling, Unary: () => ({}) });
      const client = world.client();
      const failure = async (endpoint: string): Promise<MicroError | undefined> => {
        try {
          const opened = await client.stream({ service: world.service, endpoint });
          await opened.send({ n: 1 });
          for await (const _ of opened);
        } catch (thrown) {
          return thrown as MicroError;
        }
        return undefined;
      };
      const missing = await failure("Test.Nothing");
      assert.ok(missing !== undefined && missing.reason === undefined);
      const calling = client.call({ ...world.request("Double"), body: { n: 1 } });
      if (!bench.supports.streamsAreMarked) assert.deepEqual(await calling, { n: 2 });
      else await assert.rejects(calling, (error) => MicroError.is(error) && error.reason !== "timeout");
    },
  );

  bench.test("the handler may end while the caller still sends", async (world) => {
    await world.serve({
      First: stream(async function* (requests: AsyncIterable<{ n: number }>) {
        for await (const { n } of requests) {
          yield { n };
          return;
        }
      }),
    });
    const first = await open<{ n: number }>(world, "First");
    let refused: unknown;
    const sending = (async () => {
      for (let n = 0; refused === undefined; n++) {
        await first.send({ n }).catch((thrown) => {
          refused = thrown;
        });
        await new Promise(setImmediate);
      }
    })();
    assert.deepEqual(await readAll(first), [{ n: 0 }]);
    await sending;
    assert.equal((refused as MicroError).code, 503);
  });

  bench.test("several streams and calls at once don't meet", async (world) => {
    await world.serve({ Double: doubling, Echo: (request: unknown) => request });
    const client = world.client();
    const one = async (start: number): Promise<void> => {
      const doubled = await client.stream<{ n: number }>({ ...world.request("Double") });
      const answers = doubled[Symbol.asyncIterator]();
      for (let n = start; n < start + 50; n++) {
        await doubled.send({ n });
        assert.deepEqual((await answers.next()).value, { n: 2 * n });
        assert.deepEqual(await client.call({ ...world.request("Echo"), body: { n } }), { n });
      }
      await doubled.close();
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => one(1_000 * index)));
  });

  if (cancellation) {
    const leave: Record<string, (answers: ClientStream, stop: AbortController) => Promise<void>> = {
      "leaving the loop": async (answers) => {
        for await (const _ of answers) break;
      },
      closing: async (answers) => {
        await answers.close();
        await answers.close();
        assert.deepEqual(await readAll(answers), []);
      },
      "the signal": async (answers, stop) => {
        stop.abort();
        await assert.rejects(readAll(answers), { code: 499, reason: "cancelled" });
      },
    };
    for (const [how, leaving] of Object.entries(leave)) {
      bench.test(`${how} ends the stream, and the handler with it`, async (world) => {
        const aborted = newGate();
        const cleaned = newGate();
        await world.serve({
          Tick: stream(async function* (_requests: AsyncIterable<unknown>, { signal }: Context) {
            signal.addEventListener("abort", aborted.open);
            try {
              for (let n = 0; ; n++) {
                yield { n };
                await new Promise((resolve) => setTimeout(resolve, 1));
              }
            } finally {
              cleaned.open();
            }
          }),
        });
        const stop = new AbortController();
        const client = world.client();
        const ticking = await client.stream({ ...world.request("Tick"), signal: stop.signal });
        await ticking[Symbol.asyncIterator]().next();
        await leaving(ticking, stop);
        await Promise.all([aborted.passed, cleaned.passed]);
      });
    }
  }

  bench.test("a stream may be limited in time", async (world) => {
    await world.serve({
      Silence: stream(async function* (_requests: AsyncIterable<unknown>, { signal }: Context) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    });
    // On a busy machine the time may be up before the stream is open.
    const reading = async () =>
      readAll(await world.client().stream({ ...world.request("Silence"), timeoutMs: 60 }));
    await assert.rejects(reading, { code: 408, reason: "timeout" });
  });

  bench.test("a stream is opened at another node when the first can't be reached", async (world) => {
    await world.serve({ Double: doubling });
    await world.addDeadNode();
    const doubled = await open<{ n: number }>(world, "Double");
    await doubled.send({ n: 4 });
    assert.deepEqual((await doubled[Symbol.asyncIterator]().next()).value, { n: 8 });
    await doubled.close();
  });

  bench.test("a broken connection is an error of the stream", async (world) => {
    const server = await world.serve({ Double: doubling });
    const doubled = await open<{ n: number }>(world, "Double");
    const answers = doubled[Symbol.asyncIterator]();
    await doubled.send({ n: 4 });
    await answers.next();
    const broken = assert.rejects(answers.next(), { reason: /^(connection-lost|draining)$/ });
    await Promise.all([server.stop(), broken]);
  });
}

const doubling = stream(async function* (requests: AsyncIterable<{ n: number }>) {
  for await (const { n } of requests) yield { n: 2 * n };
});

function open<Response = unknown>(world: World, method: string): Promise<ClientStream<unknown, Response>> {
  return world.client().stream<Response>({ service: world.service, endpoint: `Test.${method}` });
}

async function readAll<Item>(answers: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const each of answers) all.push(each);
  return all;
}
