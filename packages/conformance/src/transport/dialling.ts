import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { TransportBench } from "./bench.ts";
import { Recorder, turn } from "./recorder.ts";
import { message } from "./sample.ts";

export function diallingTests(bench: TransportBench): void {
  bench.test("where nobody listens fails with 503 and the address", async (tools) => {
    const listener = await tools.listen();
    await listener.close();
    const recorder = new Recorder();
    await assert.rejects(tools.transport().dial(listener.address, recorder), (error) => {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.code, error.reason], [503, "connection-failed"]);
      assert.ok(error.detail.includes(listener.address), error.detail);
      return true;
    });
    assert.equal(recorder.events, 0);
  });

  bench.test("an address that is none fails with 503 and the address", async (tools) => {
    await assert.rejects(
      tools.transport().dial("no port here", new Recorder()),
      (error) => MicroError.is(error) && error.code === 503 && error.detail.includes("no port here"),
    );
  });

  bench.test("can be cancelled", async (tools) => {
    const listener = await tools.listen();
    const signal = AbortSignal.abort(new Error("changed my mind"));
    await assert.rejects(
      tools.transport().dial(listener.address, new Recorder(), { signal }),
      (error) => MicroError.is(error) && error.reason === "cancelled",
    );
  });

  bench.test("is not undone by a signal that fires afterwards", async (tools) => {
    const controller = new AbortController();
    const { client, server } = await tools.connection({ signal: controller.signal });
    controller.abort();
    await turn();
    client.socket.send(message("still there"));
    assert.equal(await server.nextText(), "still there");
  });

  bench.test("a hundred times at once gives a hundred connections", async (tools) => {
    const connections = await Promise.all(Array.from({ length: 100 }, () => tools.connection()));
    for (const [n, { client }] of connections.entries()) client.socket.send(message(`from ${n}`));
    for (const [n, { server }] of connections.entries()) {
      assert.equal(await server.nextText(), `from ${n}`);
      server.socket.send(message(`for ${n}`));
    }
    for (const [n, { client }] of connections.entries()) assert.equal(await client.nextText(), `for ${n}`);
  });

  bench.test("gives sockets that know both addresses", async (tools) => {
    const { client, server } = await tools.connection();
    for (const { socket } of [client, server]) {
      assert.notEqual(socket.local, "");
      assert.notEqual(socket.remote, "");
    }
    assert.equal(client.socket.local, server.socket.remote);
    assert.equal(client.socket.remote, server.socket.local);
  });
}
