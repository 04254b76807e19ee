import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { TransportBench } from "./bench.ts";
import { Recorder, until } from "./recorder.ts";
import { message } from "./sample.ts";

export function listeningTests(bench: TransportBench): void {
  bench.test("tells the real address", async (tools) => {
    const [one, two] = [await tools.listen(), await tools.listen()];
    assert.notEqual(one.address, tools.anywhere);
    assert.notEqual(one.address, two.address);
  });

  bench.test("on a busy address fails with 500 and the address", async (tools) => {
    const listener = await tools.listen();
    await assert.rejects(tools.listen(listener.address), (error) => {
      assert.ok(MicroError.is(error));
      assert.equal(error.code, 500);
      assert.ok(error.detail.includes(listener.address), error.detail);
      return true;
    });
  });

  bench.test("on an address that is none fails with 500 and the address", async (tools) => {
    await assert.rejects(
      tools.listen("127.0.0.1:many"),
      (error) => MicroError.is(error) && error.code === 500 && error.detail.includes("127.0.0.1:many"),
    );
  });

  bench.test("on a range of ports takes the first free one", async (tools) => {
    const first = await tools.listen();
    const port = Number(first.address.split(":").at(-1));
    const second = await tools.listen(`127.0.0.1:${port}-${Math.min(port + 50, 65_535)}`);
    assert.notEqual(second.address, first.address);
    await assert.rejects(
      tools.listen(`127.0.0.1:${port}-${port}`),
      (error) => MicroError.is(error) && error.code === 500 && error.detail.includes(`${port}-${port}`),
    );
  });

  bench.test("can be stopped, twice is once, and what is connected stays", async (tools) => {
    const { client, server, listener } = await tools.connection();
    await Promise.all([listener.close(), listener.close()]);
    await listener[Symbol.asyncDispose]();
    await assert.rejects(tools.transport().dial(listener.address, new Recorder()), MicroError);
    client.socket.send(message("we go on"));
    assert.equal(await server.nextText(), "we go on");
    const again = await tools.listen(listener.address);
    assert.equal(again.address, listener.address);
  });

  bench.test("with further protocols serves its own as before, or refuses them", async (tools) => {
    const protocols = [{ name: "never", matches: () => false, serve: () => assert.fail("never matches") }];
    try {
      const { client, server } = await tools.connection({ protocols });
      client.socket.send(message("hello"));
      assert.equal(await server.nextText(), "hello");
    } catch (error) {
      assert.ok(MicroError.is(error), String(error));
      assert.deepEqual([error.code, error.reason], [501, "not-supported"]);
    }
  });

  bench.test("goes on when a connection is not wanted", async (tools) => {
    let refused = 0;
    const transport = tools.transport();
    const recorders: Recorder[] = [];
    const listener = await transport.listen(tools.anywhere, (socket) => {
      if (refused++ === 0) throw new Error("not wanted");
      const recorder = new Recorder(socket);
      recorders.push(recorder);
      return recorder;
    });
    tools.onEnd(() => listener.close());
    const unwanted = new Recorder();
    try {
      const socket = await transport.dial(listener.address, unwanted);
      socket.send(message("let me in"));
      await unwanted.closed;
    } catch (error) {
      assert.ok(MicroError.is(error));
    }
    const socket = await transport.dial(listener.address, new Recorder());
    tools.onEnd(() => socket.destroy());
    socket.send(message("hello"));
    await until(() => recorders.length === 1);
    assert.equal(await recorders[0]?.nextText(), "hello");
  });
}
