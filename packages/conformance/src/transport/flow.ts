import assert from "node:assert/strict";
import type { TransportBench } from "./bench.ts";
import { turn } from "./recorder.ts";
import { bytes, message } from "./sample.ts";

export function flowTests(bench: TransportBench): void {
  for (const [one, other] of [
    ["client", "server"],
    ["server", "client"],
  ] as const) {
    bench.test(
      `a paused ${other} makes send give false, and drain follows when it resumes`,
      async (tools) => {
        const ends = await tools.connection();
        ends[other].socket.pause();
        const limit = 1_000;
        let sent = 0;
        // Room for the network between the ends: no system takes 64 MiB.
        while (sent < limit) {
          const more = ends[one].socket.send({
            header: { "X-Number": String(sent) },
            body: bytes(64 * 1024),
          });
          sent++;
          if (!more && (await ends[one].stalled())) break;
        }
        assert.ok(sent < limit, "send never gave false although nobody read");
        assert.ok(ends[other].messages < sent, "the paused end went on reading");
        const drained = ends[one].drained();
        ends[other].socket.resume();
        await drained;
        for (let n = 0; n < sent; n++) {
          const arrived = await ends[other].next();
          assert.equal(arrived.header["X-Number"], String(n));
          assert.equal(arrived.body.length, 64 * 1024);
        }
      },
    );
  }

  bench.test("a pause delays messages, it loses none", async (tools) => {
    const { client, server } = await tools.connection();
    for (let round = 0; round < 20; round++) {
      server.socket.pause();
      client.socket.send(message(`${round} a`));
      client.socket.send(message(`${round} b`));
      await turn();
      server.socket.resume();
      assert.equal(await server.nextText(), `${round} a`);
      assert.equal(await server.nextText(), `${round} b`);
    }
  });

  bench.test("an end that was paused at once gets what came meanwhile", async (tools) => {
    const { client, server } = await tools.connection({ pauseAtOnce: true });
    client.socket.send(message("early"));
    await turn();
    assert.equal(server.messages, 0);
    server.socket.resume();
    assert.equal(await server.nextText(), "early");
  });

  bench.test("a close is told after the messages of a pause", async (tools) => {
    const { client, server } = await tools.connection();
    server.socket.pause();
    client.socket.send(message("last words"));
    const closed = client.socket.close();
    await turn();
    server.socket.resume();
    assert.equal(await server.nextText(), "last words");
    assert.equal(await server.closed, undefined);
    await closed;
  });
}
