import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { TransportBench } from "./bench.ts";
import { headersOf, message, text } from "./sample.ts";

export function headerTests(bench: TransportBench): void {
  bench.test("arrive in canonical form, and as UTF-8", async (tools) => {
    const { client, server } = await tools.connection();
    const sent = {
      "content-type": "application/json",
      "MICRO-from-SERVICE": "greeter",
      "X-City": "Zürich 東京 🚀",
      "X-Empty": "",
      "X-Json": '{"id":"a","code":404,"detail":"no \\"x\\"","status":"Not Found"}',
      constructor: "only a key",
      __proto__: null,
    };
    const arrived = {
      "Content-Type": "application/json",
      "Micro-From-Service": "greeter",
      "X-City": sent["X-City"],
      "X-Empty": "",
      "X-Json": sent["X-Json"],
      Constructor: "only a key",
    };
    client.socket.send(message("", sent));
    assert.deepEqual(headersOf(await server.next(), arrived), arrived);
    server.socket.send(message("", sent));
    assert.deepEqual(headersOf(await client.next(), arrived), arrived);
  });

  bench.test("may be many and long", async (tools) => {
    const { client, server } = await tools.connection();
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`X-Header-${n}`, "v".repeat(n)]));
    const header = { ...many, "Micro-Error": "e".repeat(30_000) };
    client.socket.send(message("body", header));
    assert.deepEqual(headersOf(await server.next(), header), header);
    server.socket.send(message("body", header));
    assert.deepEqual(headersOf(await client.next(), header), header);
  });

  bench.test("of a message are not those of the message before", async (tools) => {
    const { client, server } = await tools.connection();
    client.socket.send(message("1", { "X-First": "1", Authorization: "Bearer secret" }));
    client.socket.send(message("2", { "X-Second": "2" }));
    assert.equal((await server.next()).header["X-First"], "1");
    const second = await server.next();
    assert.deepEqual([second.header["X-First"], second.header["X-Second"]], [undefined, "2"]);
    server.socket.send(message("answer"));
    const answer = await client.next();
    assert.deepEqual([answer.header["X-First"], answer.header.Authorization], [undefined, undefined]);
  });

  bench.test("can't break out of their line", async (tools) => {
    const { client, server } = await tools.connection();
    const header = { "X-Attack": " a\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1\u0000\t" };
    client.socket.send(message("body", header));
    client.socket.send(message("next"));
    const arrived = await server.next();
    assert.equal(arrived.header["X-Attack"], "a  X-Injected: 1    GET / HTTP/1.1");
    assert.equal(arrived.header["X-Injected"], undefined);
    assert.equal(text(arrived), "body");
    assert.equal(await server.nextText(), "next");
  });

  bench.test("that say how a message is carried are neither obeyed nor delivered", async (tools) => {
    const { client, server } = await tools.connection();
    const framing = {
      "Content-Length": "999",
      "transfer-encoding": "gzip",
      Host: "elsewhere",
      Trailer: "X-A",
    };
    client.socket.send(message("body", framing));
    client.socket.send(message("next"));
    const arrived = await server.next();
    for (const name of ["Content-Length", "Transfer-Encoding", "Host", "Trailer"]) {
      assert.equal(arrived.header[name], undefined, name);
    }
    assert.equal(text(arrived), "body");
    assert.equal(await server.nextText(), "next");
  });

  bench.test("with a name that is no token are refused, and nothing is sent", async (tools) => {
    const { client, server } = await tools.connection();
    for (const name of ["", "a b", "a:b", "ü", "a\r\nb"]) {
      assert.throws(
        () => client.socket.send(message("never", { [name]: "x" })),
        (error) => MicroError.is(error) && error.code === 400 && error.reason === "encode-failed",
        name,
      );
    }
    client.socket.send(message("still usable"));
    assert.equal(await server.nextText(), "still usable");
  });
}
