/** TLS over the three things that open a port: the http transport, client and server mucp, and the http broker. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { MicroError, newLogger, type TlsOptions } from "ts-micro";
import { newHttpBroker, newMemoryBroker } from "ts-micro/broker";
import { newClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, newServer } from "ts-micro/server";
import { newHttpTransport, type Socket } from "ts-micro/transport";
import { certificate, tlsFixture } from "../src/tls-fixture.ts";

const logger = newLogger({ level: "fatal" });
const timeout = 30_000;
const ca = certificate("ca");
const stranger = certificate("stranger");

/** The two ends, `undefined` for one that speaks without TLS. */
interface Ends {
  server: TlsOptions | undefined;
  client: TlsOptions | undefined;
}

interface Way {
  name: string;
  /** Listens, lets the client say `hello`, and gives what the server got, and its address. */
  hello(ends: Ends): Promise<{ heard: string[]; address: string; failure: unknown }>;
}

const ways: Way[] = [
  { name: "the http transport", hello: overTransport },
  { name: "mucp", hello: overMucp },
  { name: "the http broker", hello: overBroker },
];

const server = tlsFixture("server");
const mutual = { ...server, ca, requireClientCert: true };

const accepted: [title: string, ends: Ends][] = [
  ["a server that the authority has signed", { server, client: { ca } }],
  [
    "one whose name is given",
    { server: tlsFixture("elsewhere"), client: { ca, serverName: "elsewhere.example" } },
  ],
  ["a strange one when told not to verify", { server, client: { ca: stranger, insecureSkipVerify: true } }],
  [
    "an expired one when told not to verify",
    { server: tlsFixture("expired"), client: { insecureSkipVerify: true } },
  ],
  [
    "another host when told not to verify",
    { server: tlsFixture("elsewhere"), client: { insecureSkipVerify: true } },
  ],
  [
    "a client with a certificate of the authority",
    { server: mutual, client: { ca, ...tlsFixture("client") } },
  ],
  ["a client whose certificate nobody asked for", { server, client: { ca, ...tlsFixture("client") } }],
];

const refused: [title: string, ends: Ends, why: RegExp][] = [
  [
    "a server of an unknown authority",
    { server, client: { ca: stranger } },
    /not signed by a trusted authority; give .* tls\.ca/,
  ],
  ["one that no public authority knows", { server, client: {} }, /not signed by a trusted authority/],
  [
    "a server of another name",
    { server: tlsFixture("elsewhere"), client: { ca } },
    /names another host .* tls\.serverName/,
  ],
  [
    "a server without the name that is given",
    { server, client: { ca, serverName: "elsewhere.example" } },
    /names another host/,
  ],
  ["an expired certificate", { server: tlsFixture("expired"), client: { ca } }, /has expired/],
  [
    "a client without certificate",
    { server: mutual, client: { ca } },
    /demands a client certificate; give tls\.cert/,
  ],
  [
    "a client with a stranger's certificate",
    { server: { ...mutual, ca: stranger }, client: { ca, ...tlsFixture("client") } },
    /client certificate, give one that its authority has signed/,
  ],
  [
    "a client with an expired certificate",
    { server: mutual, client: { ca, ...tlsFixture("expired") } },
    /client certificate, give/,
  ],
  [
    "a client with a server's certificate",
    { server: mutual, client: { ca, ...server } },
    /client certificate, give/,
  ],
  ["a server without TLS", { server: undefined, client: { ca } }, /does not speak TLS/],
];

for (const { name, hello } of ways) {
  for (const [title, ends] of accepted) {
    test(`${name} accepts ${title}`, { timeout }, async () => {
      const { heard, failure } = await hello(ends);
      assert.equal(failure, undefined);
      assert.deepEqual(heard, ["hello"]);
    });
  }

  for (const [title, ends, why] of refused) {
    test(`${name} refuses ${title}, and says so with the address`, { timeout }, async () => {
      const { heard, address, failure } = await hello(ends);
      assert.deepEqual(heard, []);
      assert.ok(MicroError.is(failure), String(failure));
      assert.match(failure.detail, why);
      assert.ok(failure.detail.includes(address), failure.detail);
      assert.match(
        `${failure.code} ${failure.reason}`,
        /^(503 connection-(failed|lost)|500 connection-lost)$/,
      );
    });
  }
}

test("a client without TLS is refused by a server with it", { timeout }, async () => {
  // Not over the bare transport: there, a peer that closes when it likes is no failure.
  for (const hello of [overMucp, overBroker]) {
    const { heard, failure } = await hello({ server, client: undefined });
    assert.deepEqual(heard, []);
    assert.ok(MicroError.is(failure));
  }
});

test("a refused client is told of it each time, whether it has sent something or not", {
  timeout,
}, async () => {
  const listener = await newHttpTransport({ logger, tls: { ...mutual, ca: stranger } }).listen(
    "127.0.0.1:0",
    () => assert.fail("accepted"),
  );
  const transport = newHttpTransport({ logger, tls: { ca, ...tlsFixture("client") } });
  for (let n = 0; n < 40; n++) {
    const sends = n % 2 === 0;
    const failure = await new Promise<unknown>((resolve) => {
      transport
        .dial(listener.address, { message: () => assert.fail("answered"), close: resolve })
        .then((socket) => {
          if (sends) socket.send({ header: {}, body: Buffer.from("hello") });
        }, resolve);
    });
    assert.ok(MicroError.is(failure), `attempt ${n}: ${failure}`);
    assert.match(failure.detail, /client certificate/);
    // Without a request there is nothing that a retry could do twice.
    if (!sends) assert.deepEqual([failure.code, failure.reason], [503, "connection-failed"]);
  }
  await listener.close();
});

for (const [name, listen] of [
  [
    "transport",
    (tls: TlsOptions) => newHttpTransport({ logger }).listen("127.0.0.1:0", () => assert.fail(), { tls }),
  ],
  ["broker", (tls: TlsOptions) => subscribed(tls)],
] as const) {
  test(`the http ${name} doesn't listen without a certificate, or with half of one`, {
    timeout,
  }, async () => {
    const { cert, key } = server;
    for (const [tls, why] of [
      [{}, /no certificate; give tls: \{ cert, key \}/],
      [{ cert }, /no key/],
      [{ key }, /no certificate/],
      [{ cert: "nonsense", key }, /is invalid|PEM/],
    ] as const) {
      await assert.rejects(
        listen(tls),
        (error) => MicroError.is(error) && why.test(error.detail),
        String(why),
      );
    }
  });
}

async function overTransport({ server, client }: Ends) {
  const heard: string[] = [];
  const listener = await newHttpTransport({ logger }).listen(
    "127.0.0.1:0",
    (socket) => ({
      message(message) {
        heard.push(String(message.body));
        socket.send({ header: {}, body: message.body });
      },
      close() {},
    }),
    server === undefined ? {} : { tls: server },
  );
  const transport = newHttpTransport({ logger, ...(client !== undefined && { tls: client }) });
  let dialled: Socket | undefined;
  const failure = await new Promise<unknown>((resolve) => {
    const events = { message: () => resolve(undefined), close: resolve };
    transport.dial(listener.address, events).then((socket) => {
      dialled = socket;
      socket.send({ header: {}, body: Buffer.from("hello") });
    }, resolve);
  });
  dialled?.destroy();
  await listener.close();
  return { heard, address: listener.address, failure };
}

async function overMucp({ server: tls, client }: Ends) {
  const heard: string[] = [];
  const hub = { addresses: [randomUUID()] };
  const mucp = newServer({
    address: "127.0.0.1:0",
    drain: { propagationMs: 0 },
    ...(tls !== undefined && { tls }),
    logger,
    parts: { registry: newMemoryRegistry(hub), broker: newMemoryBroker(hub) },
  });
  mucp.handle(newHandler("Test", { Hello: (text: string) => void heard.push(text) }));
  await mucp.start();
  const caller = newClient({ logger, retries: 0, ...(client !== undefined && { tls: client }) });
  const { address } = mucp;
  const request = { service: "test", endpoint: "Test.Hello", body: "hello", addresses: [address] };
  const failure = await caller.call(request).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await caller.close();
  await mucp.stop();
  return { heard, address, failure };
}

async function overBroker({ server, client }: Ends) {
  const heard: string[] = [];
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  const subscriber = newHttpBroker({
    logger,
    parts: { registry },
    ...(server !== undefined && { tls: server }),
  });
  await subscriber.connect();
  await subscriber.subscribe("t", ({ message }) => void heard.push(String(message.body)));
  // The record says whether to use TLS; a publisher that has it otherwise is told so by its own record.
  const [record] = await registry.getService("micro.http.broker");
  const [node] = record?.nodes ?? [];
  assert.ok(record !== undefined && node !== undefined);
  assert.equal(node.metadata.secure, String(server !== undefined));
  const metadata = { ...node.metadata, secure: String(client !== undefined) };
  await registry.register({ ...record, nodes: [{ ...node, metadata }] });
  const publisher = newHttpBroker({
    logger,
    parts: { registry },
    ...(client !== undefined && { tls: client }),
  });
  await publisher.connect();
  const failure = await publisher.publish("t", { header: {}, body: Buffer.from("hello") }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { address } = subscriber;
  await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
  return { heard, address, failure };
}

async function subscribed(tls: TlsOptions) {
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  const broker = newHttpBroker({ logger, parts: { registry }, tls });
  await broker.connect();
  await broker.subscribe("t", () => {}).finally(() => broker.disconnect());
}
