import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";

const message = (id: number) => ({ header: {}, body: Buffer.from(String(id)) });
const idOf = ({ body }: { body: Uint8Array }) => Number(Buffer.from(body).toString());
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("many messages and slow handlers", { skip: nats().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  test("stopping with 1,000 messages in hand handles all of them, whoever goes on publishing", async () => {
    const logger = newLogger({ level: "fatal" });
    const [publisher, subscriber] = [
      newBroker({ addresses: [server.address], logger }),
      newBroker({ addresses: [server.address], logger }),
    ];
    await Promise.all([publisher.connect(), subscriber.connect()]);
    const { promise: opened, open } = gate();
    const [begun, ended] = [new Set<number>(), new Set<number>()];
    await subscriber.subscribe(
      "stop",
      async ({ message }) => {
        begun.add(idOf(message));
        await opened;
        ended.add(idOf(message));
      },
      { maxInFlight: 10, queue: "q" },
    );
    await Promise.all(numbers(1_000).map((id) => publisher.publish("stop", message(id))));
    // The answer to this one comes behind the messages.
    await subscriber.publish("stop.here", message(0));
    assert.equal(begun.size, 10);

    const disconnected = subscriber.disconnect();
    let own = 0;
    const busy = (async () => {
      while (subscriber.address !== "") await subscriber.publish("own", message(own++)).catch(() => {});
    })();
    open();
    await disconnected;
    assert.deepEqual(
      [...ended].sort((a, b) => a - b),
      numbers(1_000),
    );
    await busy;
    assert.ok(own > 0);
    await publisher.publish("stop", message(1_000));
    await publisher.disconnect();
    assert.equal(begun.size, 1_000);
  });

  /** Base64 makes all numbers up to 999 equally long. */
  const envelope = '{"Header":{"Micro-Topic":"bytes"},"Body":"MTIz"}';
  for (const [what, limits, kept] of [
    ["messages", { maxPendingMessages: 100 }, 100],
    ["bytes", { maxPendingBytes: 10_000 }, Math.floor(10_000 / envelope.length)],
  ] as const) {
    test(`a slow handler makes no more than the limit of ${what} wait, and the log says what was dropped`, async () => {
      const lines: string[] = [];
      const logger = newLogger({ write: (line) => void lines.push(line) });
      const broker = newBroker({ addresses: [server.address], logger, ...limits });
      await broker.connect();
      const { promise: opened, open } = gate();
      const handled: number[] = [];
      await broker.subscribe(
        what,
        async ({ message }) => {
          await opened;
          handled.push(idOf(message));
        },
        { maxInFlight: 1 },
      );
      await Promise.all(numbers(1_000).map((id) => broker.publish(what, message(id))));
      open();
      await broker.disconnect();
      // The oldest are kept, in their order.
      assert.deepEqual(handled, numbers(handled.length));
      assert.equal(handled.length, kept + 1);
      assert.deepEqual(
        lines.map((line) => /level=(\w+).*?(dropping|\d+ messages were dropped)/.exec(line)?.slice(1)),
        [
          ["error", "dropping"],
          ["error", `${1_000 - handled.length} messages were dropped`],
        ],
      );
    });
  }
});

function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
