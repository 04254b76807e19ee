import assert from "node:assert/strict";
import { test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import { MicroError } from "../../src/errors.ts";
import type { Node } from "../../src/registry/registry.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { answer, bytesServer, clientOf, failure, scriptedServer } from "./scripted-server.ts";

const hello = { service: "go.micro.srv.greeter", endpoint: "Say.Hello" };

test("the first request of a connection has go-micro's bytes", async (t) => {
  const received: Buffer[] = [];
  const { address } = await bytesServer(t, (socket) => {
    socket.on("data", (bytes) => {
      received.push(bytes);
      if (!Buffer.concat(received).toString().endsWith('{"name":"John"}\n')) return;
      // As a go-micro v2.9.1 server answers.
      socket.write(
        "HTTP/1.1 200 OK\r\nContent-Length: 21\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
          "Micro-Endpoint: Say.Hello\r\nMicro-Id: 0\r\nMicro-Method: Say.Hello\r\n" +
          "Micro-Service: go.micro.srv.greeter\r\nTimeout: 5000000000\r\nUser-Agent: Go-http-client/1.1\r\n" +
          'X-Micro-Id: 0\r\n\r\n{"msg":"Hello John"}\n',
      );
    });
  });
  const client = clientOf(t, newHttpTransport());
  const reply = await client.call({ ...hello, body: { name: "John" }, addresses: [address] });
  assert.deepEqual(reply, { msg: "Hello John" });
  const text = Buffer.concat(received).toString();
  assert.match(text, /\r\nTimeout: (5000|4[0-9]{3})000000\r\n/);
  assert.equal(
    text.replace(/Timeout: \d+/, "Timeout: 5000000000"),
    "POST / HTTP/1.1\r\n" +
      `Host: ${address}\r\n` +
      "User-Agent: Go-http-client/1.1\r\n" +
      "Content-Length: 16\r\n" +
      "Accept: application/json\r\n" +
      "Content-Type: application/json\r\n" +
      "Micro-Endpoint: Say.Hello\r\n" +
      "Micro-Id: 0\r\n" +
      "Micro-Method: Say.Hello\r\n" +
      "Micro-Service: go.micro.srv.greeter\r\n" +
      "Timeout: 5000000000\r\n" +
      "\r\n" +
      '{"name":"John"}\n',
  );
});

test("ids count up over calls, streams and retries", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) =>
    socket.send(number === 1 ? failure('{"code":503}') : answer("{}\n")),
  );
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  const addresses = [server.address];
  await client.call({ ...hello, addresses });
  await client.call({ ...hello, addresses });
  const stream = await client.stream({ ...hello, addresses });
  await server.received(4);
  await stream.close();
  assert.deepEqual(
    server.requests.map(({ header }) => header["Micro-Id"]),
    ["0", "1", "2", "3"],
  );
});

test("a remote error keeps id, code, detail and status, and has no reason", async (t) => {
  const texts = [
    '{"id":"greeter","code":404,"detail":"no such user","status":"Not Found"}',
    '{"id":"greeter","code":418,"detail":"100% teapot","status":"odd"}',
    "rpc: can't find service Say",
    "{broken",
  ];
  const server = await scriptedServer(t, (_request, socket, number) =>
    socket.send(failure(texts[number] ?? "")),
  );
  const client = clientOf(t, server.transport);
  const errors: MicroError[] = [];
  for (const _ of texts) {
    const error = await client.call({ ...hello, addresses: [server.address] }).catch((thrown) => thrown);
    assert.ok(MicroError.is(error));
    assert.equal(error.reason, undefined);
    errors.push(error);
  }
  assert.deepEqual(
    errors.map(({ id, code, detail, status }) => ({ id, code, detail, status })),
    [
      { id: "greeter", code: 404, detail: "no such user", status: "Not Found" },
      { id: "greeter", code: 418, detail: "100% teapot", status: "odd" },
      { id: "", code: 0, detail: "rpc: can't find service Say", status: "" },
      { id: "", code: 0, detail: "{broken", status: "" },
    ],
  );
  assert.equal(server.sockets.length, 1, "an error of the handler leaves the connection in use");
});

test("go-micro's plain-text refusal of a content type is an error", async (t) => {
  const server = await scriptedServer(t, (_request, socket) =>
    socket.send(answer("Unsupported Content-Type: application/json", { "Content-Type": "text/plain" })),
  );
  const client = clientOf(t, server.transport);
  await assert.rejects(client.call({ ...hello, addresses: [server.address] }), {
    code: 415,
    reason: "unsupported-content-type",
    detail: /does not take application\/json: Unsupported Content-Type: application\/json$/,
  });
});

test("the answer's own headers are not believed", async (t) => {
  const server = await scriptedServer(t, (_request, socket) =>
    socket.send(
      answer('{"a":1}\n', {
        "Content-Type": "application/protobuf",
        "Micro-Endpoint": "Say.Bye",
        "Micro-Id": "77",
        Timeout: "1",
        "Micro-Error": "",
      }),
    ),
  );
  const client = clientOf(t, server.transport);
  assert.deepEqual(await client.call({ ...hello, addresses: [server.address] }), { a: 1 });
});

test("an answer that can't be read is an error of the codec and isn't asked for again", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(answer("{never closed")));
  const client = clientOf(t, server.transport);
  await assert.rejects(client.call({ ...hello, addresses: [server.address], idempotent: true }), {
    id: "go.micro.client.codec",
    code: 500,
    reason: "decode-failed",
  });
  assert.equal(server.requests.length, 1);
});

test("a content type without codec is refused before anything is sent", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(answer("{}\n")));
  const client = clientOf(t, server.transport);
  await assert.rejects(
    client.call({ ...hello, addresses: [server.address], contentType: "application/wrong" }),
    {
      code: 415,
      reason: "unsupported-content-type",
    },
  );
  assert.equal(server.sockets.length, 0);
});

test("a body that can't be encoded is refused before anything is sent", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(answer("{}\n")));
  const client = clientOf(t, server.transport);
  await assert.rejects(client.call({ ...hello, addresses: [server.address], body: { n: 1n } }), {
    code: 500,
    reason: "encode-failed",
  });
  assert.equal(server.sockets.length, 0);
});

test("a header name that can't be carried is refused and the connection used again", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(answer("{}\n")));
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  await client.call({ ...hello, addresses });
  await assert.rejects(client.call({ ...hello, addresses, metadata: { "X: y\r\nEvil": "1" } }), {
    code: 400,
  });
  await client.call({ ...hello, addresses });
  assert.equal(server.sockets.length, 1);
  assert.equal(server.requests.length, 2);
});

test("a node without protocol gets the codecs with an envelope", async (t) => {
  const server = await scriptedServer(t, (request, socket) =>
    socket.send(
      request.header["Content-Type"] === "application/json-rpc"
        ? answer('{"id":"4","result":{"msg":"Hello John"},"error":null}\n')
        : answer(""),
    ),
  );
  const node: Node = { id: "old", address: server.address, metadata: {} };
  const client = newClient({ parts: { transport: server.transport, selector: selectorOf(node) } });
  t.after(() => client.close());
  assert.deepEqual(await client.call({ ...hello, body: { name: "John" } }), { msg: "Hello John" });
  await client.call({ ...hello, body: new Uint8Array([1]), contentType: "application/protobuf" });
  await client.call({ ...hello, body: new Uint8Array([1]), contentType: "application/octet-stream" });
  const sent = server.requests.map(({ header, body }) => ({
    type: header["Content-Type"],
    accept: header.Accept,
    body: Buffer.from(body),
  }));
  assert.deepEqual(
    sent.map(({ type, accept }) => [type, accept]),
    [
      ["application/json-rpc", "application/json"],
      ["application/proto-rpc", "application/protobuf"],
      ["application/octet-stream", "application/octet-stream"],
    ],
  );
  assert.equal(sent[0]?.body.toString(), '{"method":"Say.Hello","params":[{"name":"John"}],"id":"0"}\n');
  // Envelope with method and number, then the payload's length and the payload.
  assert.equal(sent[1]?.body.toString("hex"), "000000140a095361792e48656c6c6f1101000000000000000000000101");
  assert.equal(sent[2]?.body.subarray(-5).toString("hex"), "0000000101");
});

test("a request is named in full, or refused", async (t) => {
  const client = newClient();
  t.after(() => client.close());
  await assert.rejects(client.call({ service: "", endpoint: "A.B" }), TypeError);
  await assert.rejects(client.call({ ...hello, timeoutMs: 0 }), { code: 400, detail: /^timeoutMs must be/ });
  await assert.rejects(client.call({ ...hello, retries: -1, addresses: ["127.0.0.1:1"] }), {
    code: 400,
    detail: /^retries must be/,
  });
  await assert.rejects(client.stream({ ...hello, timeoutMs: Number.NaN }), { code: 400 });
  assert.throws(() => newClient({ poolSize: 1.5 }), /poolSize must be a whole number from 0 on, is 1.5/);
  assert.throws(
    () => newClient({ requestTimeoutMs: -1 }),
    /requestTimeoutMs must be a number of milliseconds/,
  );
});

function selectorOf(node: Node) {
  return {
    name: "fixed",
    select: () => () => node,
    mark() {},
    reset() {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
