import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { Message } from "ts-micro/transport";
import type { TransportBench } from "./bench.ts";
import { bytes, message, shown } from "./sample.ts";

export function messageTests(bench: TransportBench): void {
  bench.test("go both ways, whole", async (tools) => {
    const { client, server } = await tools.connection();
    client.socket.send(message("to the server", { "Micro-Endpoint": "Greeter.Hello" }));
    assert.deepEqual(shown(await server.next(), "Micro-Endpoint"), ["to the server", "Greeter.Hello"]);
    server.socket.send(message("to the client", { "Micro-Id": "7" }));
    assert.deepEqual(shown(await client.next(), "Micro-Id"), ["to the client", "7"]);
  });

  bench.test("are not paired: any number may go in each direction", async (tools) => {
    const { client, server } = await tools.connection();
    for (const text of ["a", "b", "c"]) server.socket.send(message(text));
    for (const text of ["a", "b", "c"]) assert.equal(text, await client.nextText());
    for (const text of ["d", "e", "f"]) client.socket.send(message(text));
    for (const text of ["d", "e", "f"]) assert.equal(text, await server.nextText());
  });

  bench.test("keep their order in each direction", async (tools) => {
    const { client, server } = await tools.connection();
    const texts = Array.from({ length: 1_000 }, (_, n) => `${n} ${"x".repeat((n * 37) % 3_000)}`);
    for (const text of texts) {
      client.socket.send(message(text));
      server.socket.send(message(`answer ${text}`));
    }
    for (const text of texts) {
      assert.equal(await server.nextText(), text);
      assert.equal(await client.nextText(), `answer ${text}`);
    }
  });

  bench.test("of all sizes arrive byte for byte", async (tools) => {
    const { client, server } = await tools.connection();
    const sizes = [0, 1, 255, 256, 4_095, 16_383, 16_384, 65_535, 65_536, 1 << 20, 4 << 20];
    for (const size of sizes) {
      const body = bytes(size);
      client.socket.send({ header: { "Micro-Id": String(size) }, body });
      const there = await server.next();
      assert.ok(Buffer.from(there.body).equals(body), `${size} bytes to the server`);
      server.socket.send(there);
      const back = await client.next();
      assert.ok(Buffer.from(back.body).equals(body), `${size} bytes to the client`);
      assert.equal(back.header["Micro-Id"], String(size));
    }
  });

  bench.test("that are text, with bytes made when they are read, arrive byte for byte", async (tools) => {
    const { client, server } = await tools.connection();
    for (const size of [0, 1, 4_096, 4_097, 16_383, 16_384, 1 << 20]) {
      const text = "text \0\n\x7f".repeat(size).slice(0, size);
      const sent: Message = {
        header: {},
        text,
        get body() {
          return Buffer.from(text, "latin1");
        },
      };
      client.socket.send(sent);
      const there = await server.next();
      assert.equal(there.text ?? text, text);
      assert.ok(Buffer.from(there.body).equals(sent.body), `${size} bytes to the server`);
      server.socket.send(sent);
      const back = await client.next();
      assert.equal(back.text ?? text, text);
      assert.ok(Buffer.from(back.body).equals(sent.body), `${size} bytes to the client`);
    }
  });

  bench.test("with and without body may follow each other", async (tools) => {
    const { client, server } = await tools.connection();
    for (const text of ["", "x", "", "", "y"]) client.socket.send(message(text, { "X-Text": text }));
    for (const text of ["", "x", "", "", "y"])
      assert.deepEqual(shown(await server.next(), "X-Text"), [text, text]);
  });

  bench.test("may be views into larger memory", async (tools) => {
    const { client, server } = await tools.connection();
    const memory = new Uint8Array(bytes(100_000));
    for (const [from, to] of [
      [10, 20],
      [1_000, 60_000],
      [7, 7],
    ]) {
      const body = memory.subarray(from, to);
      client.socket.send({ header: {}, body });
      assert.deepEqual(new Uint8Array((await server.next()).body), new Uint8Array(body));
    }
  });

  bench.test("share nothing with each other", async (tools) => {
    const { client, server } = await tools.connection();
    const sent: Message = { header: { "X-Shared": "no" }, body: bytes(64) };
    client.socket.send(sent);
    client.socket.send(sent);
    const [first, second] = [await server.next(), await server.next()];
    first.header["X-Shared"] = "yes";
    first.body.fill(0);
    assert.equal(second.header["X-Shared"], "no");
    assert.ok(Buffer.from(second.body).equals(bytes(64)));
    assert.equal(sent.header["X-Shared"], "no");
    assert.ok(Buffer.from(sent.body).equals(bytes(64)));
  });

  bench.test("longer than maxMessageBytes end the connection at both ends", async (tools) => {
    const { client, server } = await tools.connection({ maxMessageBytes: 1_000 });
    client.socket.send({ header: {}, body: bytes(1_000) });
    assert.equal((await server.next()).body.length, 1_000);
    client.socket.send({ header: {}, body: bytes(1_001) });
    assert.ok(MicroError.is(await server.closed));
    assert.ok(MicroError.is(await client.closed));
    assert.equal(server.messages, 1);
  });
}
