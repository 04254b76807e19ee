import assert from "node:assert/strict";
import type { TransportBench } from "./bench.ts";
import { bytes, message } from "./sample.ts";

export function closingTests(bench: TransportBench): void {
  for (const [one, other] of [
    ["client", "server"],
    ["server", "client"],
  ] as const) {
    bench.test(
      `by the ${one} delivers what was handed over before, then tells both ends once`,
      async (tools) => {
        const ends = await tools.connection();
        for (let n = 0; n < 100; n++) ends[one].socket.send(message(String(n)));
        ends[one].socket.send({ header: {}, body: bytes(2 << 20) });
        await ends[one].socket.close();
        assert.equal(await ends[one].closed, undefined);
        assert.equal(await ends[other].closed, undefined);
        assert.equal(ends[other].messages, 101);
        for (let n = 0; n < 100; n++) assert.equal(await ends[other].nextText(), String(n));
        assert.equal((await ends[other].next()).body.length, 2 << 20);
        assert.deepEqual([ends[one].socket.closed, ends[other].socket.closed], [true, true]);
      },
    );

    bench.test(`by force of the ${one} tells both ends once`, async (tools) => {
      const ends = await tools.connection();
      ends[one].socket.destroy();
      ends[one].socket.destroy();
      await Promise.all([ends[one].closed, ends[other].closed]);
      assert.deepEqual([ends[one].socket.closed, ends[other].socket.closed], [true, true]);
    });
  }

  bench.test("twice is once, whichever way", async (tools) => {
    const { client, server } = await tools.connection();
    await Promise.all([client.socket.close(), client.socket.close()]);
    await client.socket.close();
    client.socket.destroy();
    await client.socket[Symbol.asyncDispose]();
    await Promise.all([client.closed, server.closed]);
  });

  bench.test("at both ends at the same time", async (tools) => {
    const { client, server } = await tools.connection();
    await Promise.all([client.socket.close(), server.socket.close()]);
    await Promise.all([client.closed, server.closed]);
  });

  bench.test("in the middle of a message handler stops the messages", async (tools) => {
    const { client, server } = await tools.connection();
    server.onMessage = () => void server.socket.close();
    for (let n = 0; n < 50; n++) client.socket.send(message(String(n)));
    await Promise.all([client.closed, server.closed]);
    assert.equal(server.messages, 1);
  });

  bench.test("makes send drop messages without a sound", async (tools) => {
    const { client, server } = await tools.connection();
    client.socket.destroy();
    await Promise.all([client.closed, server.closed]);
    assert.equal(typeof client.socket.send(message("late")), "boolean");
    assert.equal(typeof server.socket.send(message("late")), "boolean");
    for (const end of [client, server]) {
      end.socket.pause();
      end.socket.resume();
      await end.socket.close();
    }
  });

  bench.test("happens to a connection whose handler throws, and to no other", async (tools) => {
    const [bad, good] = [await tools.connection(), await tools.connection()];
    bad.server.onMessage = () => {
      throw new Error("a bug in the handler");
    };
    bad.client.socket.send(message("boom"));
    assert.ok((await bad.server.closed) instanceof Error);
    await bad.client.closed;
    good.client.socket.send(message("fine"));
    assert.equal(await good.server.nextText(), "fine");
  });
}
