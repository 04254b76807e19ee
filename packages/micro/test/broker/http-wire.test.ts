import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import type { Broker, Event } from "../../src/broker/broker.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/broker/envelope.ts";
import { type HttpBrokerOptions, newHttpBroker } from "../../src/broker/http.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";

const logger = newLogger({ write: () => {} });
let hubs = 0;

function setUp(options: HttpBrokerOptions = {}) {
  const registry = newMemoryRegistry({ addresses: [`http-wire-${hubs++}`] });
  return { registry, broker: newHttpBroker({ parts: { registry }, logger, ...options }) };
}

/** What a Go process that posts to a subscriber gets. */
async function post(
  address: string,
  path: string,
  body: string | Buffer,
  more: { method?: string; chunked?: boolean } = {},
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const [host, port] = address.split(":");
  const sent = request({ host, port, path, method: more.method ?? "POST", agent: false });
  sent.setHeader("Content-Type", "application/json");
  if (more.chunked) sent.setHeader("Transfer-Encoding", "chunked");
  sent.end(body);
  const [response] = await once(sent, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, body: Buffer.concat(chunks).toString(), headers: response.headers };
}

async function nodeOf(broker: Broker, registry: ReturnType<typeof newMemoryRegistry>, topic: string) {
  const services = await registry.getService("micro.http.broker");
  const node = services.flatMap(({ nodes }) => nodes).find(({ metadata }) => metadata.topic === topic);
  assert.ok(node !== undefined && broker.address !== "");
  return node;
}

const user = {
  header: {
    "Micro-Topic": "user.created",
    "Content-Type": "application/json",
    "Micro-Id": "6f1c1a52-2f0b-4d5e-9a6b-0d9b8a2f4c11",
  },
  body: Buffer.from('{"id":"42"}\n'),
};
const userEnvelope =
  '{"Header":{"Content-Type":"application/json","Micro-Id":"6f1c1a52-2f0b-4d5e-9a6b-0d9b8a2f4c11","Micro-Topic":"user.created"},"Body":"eyJpZCI6IjQyIn0K"}';

test("the envelope is go-micro's, byte for byte", () => {
  assert.equal(encodeEnvelope(user, "user.created").toString(), userEnvelope);
  assert.equal(userEnvelope.length, 151);
  assert.equal(
    encodeEnvelope({ header: { "X-Text": "<é&>" }, body: new Uint8Array(0) }, "t").toString(),
    '{"Header":{"Micro-Topic":"t","X-Text":"\\u003cé\\u0026\\u003e"},"Body":""}',
  );
  // The exchange that was published to counts, not what the message said.
  assert.match(encodeEnvelope(user, "other").toString(), /"Micro-Topic":"other"\}/);
});

test("a foreign envelope is read strictly", () => {
  assert.deepEqual(decodeEnvelope(Buffer.from(userEnvelope)).header["Micro-Topic"], "user.created");
  assert.equal(
    decodeEnvelope(Buffer.from('{"Header":{"Micro-ID":"7"},"Body":null}')).header["Micro-Id"],
    "7",
  );
  for (const broken of [
    "",
    "null",
    "[]",
    "7",
    "{",
    `${userEnvelope}x`,
    '{"Header":[]}',
    '{"Header":{"A":1}}',
    '{"Header":{"A":null}}',
    '{"Body":1}',
    '{"Body":"abc"}',
    '{"Body":"a=bc"}',
    '{"Body":"ab c"}',
    '{"Body":"ab-_"}',
  ]) {
    assert.throws(() => decodeEnvelope(Buffer.from(broken)), Error, broken);
  }
});

test("a publish is the request that go-micro sends", async () => {
  const { broker, registry } = setUp();
  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.on("data", (data) => {
      requests.push(data.toString());
      if (data.toString().endsWith("}")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const metadata = { broker: "http", secure: "false", topic: "user.created" };
  const node = { id: "user.created-a b/c", address: `127.0.0.1:${port}`, metadata };
  const other = { id: "x", address: "127.0.0.1:1", metadata: { ...metadata, topic: "else" } };
  const foreign = { id: "y", address: "127.0.0.1:1", metadata: { ...metadata, broker: "grpc" } };
  const record = { name: "micro.http.broker", metadata: {}, endpoints: [] };
  await registry.register({ ...record, version: "ff.http.broadcast", nodes: [node, other, foreign] });
  await broker.connect();
  await broker.publish("user.created", user);
  const [head = "", body] = requests.join("").split("\r\n\r\n");
  const lines = head.split("\r\n");
  assert.equal(lines[0], "POST /?id=user.created-a%20b%2Fc HTTP/1.1");
  assert.ok(lines.includes("Content-Type: application/json"));
  assert.ok(lines.includes("Content-Length: 151"));
  assert.ok(lines.includes(`Host: 127.0.0.1:${port}`));
  assert.equal(body, userEnvelope);
  await broker.disconnect();
  server.close();
});

test("a subscription's record is go-micro's, and its id is its own", async () => {
  const { broker, registry } = setUp();
  await broker.connect();
  assert.equal(broker.address, "", "nothing listens before there is a subscription");
  await broker.subscribe("user.created", () => {});
  await broker.subscribe("user.created", () => {}, { queue: "mail" });
  const services = await registry.getService("micro.http.broker");
  assert.deepEqual(services.map(({ version }) => version).sort(), ["ff.http.broadcast", "mail"]);
  const nodes = services.flatMap((service) => service.nodes);
  for (const node of nodes) {
    assert.match(node.id, /^user\.created-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assert.equal(node.address, broker.address);
    const metadata = { broker: "http", secure: "false", topic: "user.created", protocols: "http,mux" };
    assert.deepEqual(node.metadata, metadata);
  }
  assert.equal(new Set(nodes.map(({ id }) => id)).size, 2);
  await broker.disconnect();
  assert.deepEqual(await registry.getService("micro.http.broker"), []);
});

test("two queues of one process each get a message once from a publisher that posts to both", async () => {
  const { broker, registry } = setUp();
  await broker.connect();
  const handled: string[] = [];
  await broker.subscribe("t", () => void handled.push("mail"), { queue: "mail" });
  await broker.subscribe("t", () => void handled.push("audit"), { queue: "audit" });
  await broker.subscribe("t", () => void handled.push("all"));
  for (const { nodes } of await registry.getService("micro.http.broker")) {
    for (const { id, address } of nodes) {
      const answer = await post(address, `/?id=${id}`, encodeEnvelope(user, "t"));
      assert.deepEqual([answer.status, answer.body], [200, ""]);
    }
  }
  await broker.disconnect();
  assert.deepEqual(handled.sort(), ["all", "audit", "mail"]);
});

test("what is no message is answered as go-micro does, and handled by nobody", async () => {
  const { broker, registry } = setUp({ maxMessageBytes: 1_000 });
  await broker.connect();
  const events: Event[] = [];
  await broker.subscribe("t", (event) => void events.push(event));
  const { id, address } = await nodeOf(broker, registry, "t");
  const good = encodeEnvelope({ header: {}, body: Buffer.from("x") }, "t");
  const large = encodeEnvelope({ header: {}, body: Buffer.alloc(200_000) }, "t");
  const error = (code: number, detail: string, status: string) =>
    `${JSON.stringify({ id: "go.micro.broker", code, detail, status })}\n`;

  const get = await post(address, `/?id=${id}`, "", { method: "GET" });
  assert.deepEqual([get.status, get.body], [405, error(400, "Method not allowed", "Bad Request")]);
  const noTopic = await post(address, `/?id=${id}`, '{"Header":{},"Body":""}');
  assert.deepEqual(
    [noTopic.status, noTopic.body],
    [500, error(500, "Topic not found", "Internal Server Error")],
  );
  for (const broken of ["{", "null", '{"Header":{"Micro-Topic":"t"},"Body":"???"}']) {
    const { status, body, headers } = await post(address, `/?id=${id}`, broken);
    assert.equal(status, 500, broken);
    assert.match(body, /"detail":"Error parsing request body: /);
    assert.match(String(headers["content-type"]), /^text\/plain/);
  }
  for (const chunked of [false, true]) {
    assert.equal((await post(address, `/?id=${id}`, large, { chunked })).status, 413);
  }
  for (const path of ["/", "/?id=", "/?id=nobody", `/?id=${id}x`, "//?", "/?id=%ff"]) {
    assert.equal((await post(address, path, good)).status, 404, path);
  }
  const wrongTopic = encodeEnvelope({ header: {}, body: Buffer.from("x") }, "other");
  assert.equal((await post(address, `/?id=${id}`, wrongTopic)).status, 404);
  assert.equal(events.length, 0);

  // Any path will do, a body may be null, and a chunked request is as good as another.
  const bare = '{"Header":{"Micro-Topic":"t"},"Body":null}';
  assert.equal((await post(address, `/any/path?x=1&id=${id}`, bare, { chunked: true })).status, 200);
  await broker.disconnect();
  assert.deepEqual(
    events.map(({ message }) => message.body.length),
    [0],
  );
});

test("bytes that are no HTTP don't harm the receiver", async () => {
  const { broker, registry } = setUp();
  await broker.connect();
  const handled: string[] = [];
  await broker.subscribe("t", ({ message }) => void handled.push(String(message.body)));
  const { address } = await nodeOf(broker, registry, "t");
  const { createConnection } = await import("node:net");
  for (const bytes of [
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "POST / HTTP/9.9\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    `POST / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
    "POST /?id=x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
  ]) {
    const [host = "", port] = address.split(":");
    const socket = createConnection({ host, port: Number(port) });
    socket.on("error", () => {});
    socket.end(bytes, "latin1");
    // Not events.once: that rejects for a reset, which is as good an end as any here.
    await new Promise((resolve) => socket.resume().on("close", resolve));
  }
  await broker.publish("t", { header: {}, body: Buffer.from("still there") });
  await broker.disconnect();
  assert.deepEqual(handled, ["still there"]);
});

test("a message that is too large is refused before it is sent", async () => {
  const { broker } = setUp({ maxMessageBytes: 10 });
  await broker.connect();
  await broker.publish("t", { header: {}, body: Buffer.alloc(10) });
  await assert.rejects(broker.publish("t", { header: {}, body: Buffer.alloc(11) }), {
    code: 413,
    reason: "too-large",
  });
  await broker.disconnect();
});
