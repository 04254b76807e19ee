import assert from "node:assert/strict";
import { conflict } from "ts-micro";
import { newGate } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";
import { labClient, serveLab } from "./schemas.ts";

/** Streams of a protobuf service. */
export function schemaStreamTests(bench: ClientServerBench): void {
  const { halfClose, cancellation } = bench.supports;

  bench.test("server streaming: one request, many answers, or none", async (world) => {
    await serveLab(world);
    const lab = labClient(world);
    const many = await values(lab.countTo({ value: 500n }));
    assert.deepEqual(
      many,
      Array.from({ length: 500 }, (_, index) => BigInt(index + 1)),
    );
    assert.deepEqual(await values(lab.countTo({})), []);
  });

  bench.test("server streaming: an error comes after the answers before it", async (world) => {
    await serveLab(world, {
      async *countTo() {
        yield { value: 1n };
        throw conflict("lab", "enough");
      },
    });
    const answers = labClient(world).countTo({})[Symbol.asyncIterator]();
    assert.equal((await answers.next()).value.value, 1n);
    await assert.rejects(answers.next(), { id: "lab", code: 409, detail: "enough" });
    assert.equal((await answers.next()).done, true);
  });

  bench.test("a stream is opened when its first answer is asked for", async (world) => {
    let streams = 0;
    await serveLab(world, {
      async *countTo() {
        streams++;
        yield {};
      },
    });
    const lab = labClient(world);
    const unread = lab.countTo({});
    assert.equal((await values(lab.countTo({}))).length, 1);
    assert.equal(streams, 1);
    assert.equal((await values(unread)).length, 1);
    assert.deepEqual(await values(unread), [], "answers are read once");
    assert.equal(streams, 2);
  });

  bench.test("streams of a service that isn't there are an error", async (world) => {
    const lab = labClient(world);
    await assert.rejects(values(lab.countTo({})), { reason: "service-not-found" });
    await assert.rejects(lab.sumUp([]), { reason: "service-not-found" });
  });

  bench.test("a stream may be limited in time", async (world) => {
    await serveLab(world, {
      async *countTo(_request, { signal }) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield {};
      },
    });
    const silent = labClient(world).countTo({}, { timeoutMs: 60 });
    await assert.rejects(values(silent), { code: 408, reason: "timeout" });
  });

  bench.test(
    "requests that fail, or can't be encoded, end the stream and are thrown by its answers",
    async (world) => {
      const [answered, left] = [newGate(), newGate()];
      await serveLab(world, {
        async *double(numbers) {
          try {
            for await (const number of numbers) yield number;
          } finally {
            left.open();
          }
        },
      });
      const lab = labClient(world);
      async function* failing(): AsyncIterable<{ value: bigint }> {
        yield { value: 1n };
        await answered.passed;
        throw new Error("the sensor broke");
      }
      const answers = lab.double(failing())[Symbol.asyncIterator]();
      assert.equal((await answers.next()).value.value, 1n);
      answered.open();
      await assert.rejects(answers.next(), { message: "the sensor broke" });
      if (cancellation) await left.passed;
      const misfit = { value: {} } as object;
      await assert.rejects(lab.sumUp([misfit]), { reason: "encode-failed" });
      await assert.rejects(values(lab.countTo(misfit)), { reason: "encode-failed" });
    },
  );

  bench.test("when the handler ends early, the requests are asked to end", async (world) => {
    await serveLab(world, {
      async *double() {
        yield { value: 7n };
      },
    });
    const returned = newGate();
    const endless: AsyncIterator<{ value: bigint }> & AsyncIterable<{ value: bigint }> = {
      next: () => new Promise(() => {}),
      async return() {
        returned.open();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => endless,
    };
    assert.deepEqual(await values(labClient(world).double(endless)), [7n]);
    await returned.passed;
  });

  if (halfClose) {
    bench.test("client streaming: many requests, one answer", async (world) => {
      await serveLab(world);
      const lab = labClient(world);
      assert.equal((await lab.sumUp(numbers(500))).value, 125_250n);
      assert.equal((await lab.sumUp([{ value: 1n }, {}, { value: 2n }])).value, 3n);
      assert.equal((await lab.sumUp([])).value, 0n);
    });

    bench.test("client streaming: the handler may answer before the end, or fail", async (world) => {
      let fail = false;
      await serveLab(world, {
        async sumUp(numbers) {
          for await (const { value } of numbers) {
            if (fail) throw conflict("lab", "no more");
            return { value };
          }
          return {};
        },
      });
      const lab = labClient(world);
      assert.equal((await lab.sumUp(numbers(10))).value, 1n);
      fail = true;
      await assert.rejects(lab.sumUp(numbers(10)), { id: "lab", code: 409, detail: "no more" });
    });

    bench.test("both directions: all requests are answered, and the end comes last", async (world) => {
      await serveLab(world);
      const doubled = await values(labClient(world).double(numbers(500)));
      assert.deepEqual(
        doubled,
        Array.from({ length: 500 }, (_, index) => BigInt(2 * index + 2)),
      );
      assert.deepEqual(await values(labClient(world).double([])), []);
    });

    bench.test("both directions: a request may wait for the answer to the one before", async (world) => {
      await serveLab(world);
      let answered = newGate();
      async function* asking(): AsyncIterable<{ value: bigint }> {
        for (let value = 1n; value <= 5n; value++) {
          yield { value };
          await answered.passed;
          answered = newGate();
        }
      }
      const all: bigint[] = [];
      for await (const { value } of labClient(world).double(asking())) {
        all.push(value);
        answered.open();
      }
      assert.deepEqual(all, [2n, 4n, 6n, 8n, 10n]);
    });
  }

  if (cancellation) {
    bench.test("leaving the loop cancels the stream: the handler ends, the requests end", async (world) => {
      const [aborted, cleaned, returned] = [newGate(), newGate(), newGate()];
      await serveLab(world, {
        async *double(_numbers, { signal }) {
          signal.addEventListener("abort", aborted.open);
          try {
            for (let value = 0n; ; value++) {
              yield { value };
              await new Promise((resolve) => setTimeout(resolve, 1));
            }
          } finally {
            cleaned.open();
          }
        },
      });
      async function* ticking(): AsyncIterable<{ value: bigint }> {
        try {
          for (let value = 0n; ; value++) {
            yield { value };
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          returned.open();
        }
      }
      for await (const { value } of labClient(world).double(ticking())) if (value === 3n) break;
      await Promise.all([aborted.passed, cleaned.passed, returned.passed]);
    });

    bench.test("a signal ends a stream of a schema", async (world) => {
      await serveLab(world, {
        async *countTo(_request, { signal }) {
          yield {};
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      });
      const stop = new AbortController();
      const answers = labClient(world).countTo({}, { signal: stop.signal })[Symbol.asyncIterator]();
      await answers.next();
      const next = assert.rejects(answers.next(), { code: 499, reason: "cancelled" });
      stop.abort();
      await next;
    });
  }
}

async function* numbers(last: number): AsyncIterable<{ value: bigint }> {
  for (let value = 1; value <= last; value++) yield { value: BigInt(value) };
}

async function values(answers: AsyncIterable<{ value: bigint }>): Promise<bigint[]> {
  const all: bigint[] = [];
  for await (const { value } of answers) all.push(value);
  return all;
}
