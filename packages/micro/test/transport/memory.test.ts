import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newMemoryTransport } from "../../src/transport/memory.ts";
import type { Socket, SocketEvents } from "../../src/transport/transport.ts";

const silent: SocketEvents = { message: () => {}, close: () => {} };

test("transports meet in the hub that their first address names, and only there", async () => {
  const listener = await newMemoryTransport({ addresses: ["a"] }).listen("127.0.0.1:80", () => silent);
  const socket = await newMemoryTransport({ addresses: ["a", "b"] }).dial("127.0.0.1:80", silent);
  assert.equal(socket.remote, "127.0.0.1:80");
  for (const addresses of [["b"], []]) {
    await assert.rejects(
      newMemoryTransport({ addresses }).dial("127.0.0.1:80", silent),
      (error) => MicroError.is(error) && error.detail.startsWith("could not dial 127.0.0.1:80"),
    );
  }
  await listener.close();
});

test("a port is chosen for 0, from go-micro's range, and the machine is this one", async () => {
  const transport = newMemoryTransport({ addresses: ["ports"] });
  for (const address of [":0", "0.0.0.0:0", "[::]:0", "127.0.0.1:0"]) {
    const listener = await transport.listen(address, () => silent);
    const [, host, port] = /^(.*):(\d+)$/.exec(listener.address) ?? [];
    assert.equal(host, "127.0.0.1");
    assert.ok(Number(port) >= 10_000 && Number(port) <= 29_999);
    await listener.close();
  }
});

test("a wildcard listener is dialled however its host is written", async () => {
  const transport = newMemoryTransport({ addresses: ["wildcards"] });
  const listener = await transport.listen(":80", () => silent);
  for (const address of ["127.0.0.1:80", ":80", "0.0.0.0:80", "[::]:80"])
    await transport.dial(address, silent);
  await assert.rejects(
    transport.listen("0.0.0.0:80", () => silent),
    /already listening on 0\.0\.0\.0:80/,
  );
  await listener.close();
});

test("a wire protocol can't share a port that carries no bytes", async () => {
  const protocol = { name: "h2", matches: () => true, serve: () => {} };
  await assert.rejects(
    newMemoryTransport({ addresses: ["protocols"] }).listen(":0", () => silent, { protocols: [protocol] }),
    (error) => MicroError.is(error) && error.code === 501 && error.reason === "not-supported",
  );
});

test("two ends that only answer each other leave room for timers", { timeout: 20_000 }, async () => {
  const transport = newMemoryTransport({ addresses: ["ping-pong"] });
  const listener = await transport.listen(":0", (socket) => ({
    message: (message) => void socket.send(message),
    close: () => {},
  }));
  const client = await transport.dial(listener.address, {
    message: (message) => void client.send(message),
    close: () => {},
  });
  client.send({ header: {}, body: Buffer.from("ping") });
  await new Promise((resolve) => setTimeout(resolve, 1));
  await client.close();
  await listener.close();
});

test("destroying an end is an error for the other one when something sent to it is lost", {
  timeout: 20_000,
}, async () => {
  const transport = newMemoryTransport({ addresses: ["destroy"] });
  for (const loses of [true, false]) {
    let messages = 0;
    let server: Socket | undefined;
    const closed = new Promise<Error | undefined>((resolve, reject) => {
      transport
        .listen("127.0.0.1:80", (socket) => {
          server = socket;
          socket.pause();
          return { message: () => messages++, close: resolve };
        })
        .then(async (listener) => {
          const client = await transport.dial(listener.address, silent);
          if (loses) client.send({ header: {}, body: Buffer.from("lost") });
          client.destroy();
          server?.resume();
          await listener.close();
        })
        .catch(reject);
    });
    const error = await closed;
    assert.equal(messages, 0);
    assert.equal(loses, MicroError.is(error) && error.reason === "connection-lost");
  }
});
