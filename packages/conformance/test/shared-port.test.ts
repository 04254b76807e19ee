/** One port for HTTP/1.1 and for a real HTTP/2 server of Node's, with TLS and without. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, createServer } from "node:http2";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { newLogger, type TlsOptions } from "ts-micro";
import { newHttpTransport, type Protocol } from "ts-micro/transport";
import { certificate, tlsFixture } from "../src/tls-fixture.ts";

const logger = newLogger({ level: "fatal" });
const timeout = 30_000;
const ca = certificate("ca");
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Longer than one read, and than HTTP/2's first window. */
const body = Buffer.alloc(300_000, "abc");

/** Sends back what it gets. */
function http2(): Protocol {
  const server = createServer((incoming, outgoing) => incoming.pipe(outgoing));
  return {
    name: "h2",
    alpn: ["h2"],
    matches(bytes) {
      const length = Math.min(bytes.length, preface.length);
      if (preface.compare(bytes, 0, length, 0, length) !== 0) return false;
      return length === preface.length ? true : undefined;
    },
    serve: (connection) => void server.emit("connection", connection),
  };
}

/** One that ALPN knows nothing of, so that the first bytes have to tell. */
const line: Protocol = {
  name: "line",
  matches: (bytes) => Buffer.from(bytes).toString("latin1").startsWith("LINE"),
  serve: (connection) => void connection.end("line"),
};

for (const [title, tls, protocols] of [
  ["cleartext port, by the first bytes", undefined, () => [http2()]],
  ["cleartext port, beside a third one", undefined, () => [line, http2()]],
  ["TLS port, by ALPN", tlsFixture("server"), () => [http2()]],
  ["TLS port, by ALPN and the first bytes", tlsFixture("server"), () => [line, http2()]],
] as const) {
  test(`HTTP/1.1 and HTTP/2 share a ${title}`, { timeout }, async (context) => {
    const address = await listening(context, protocols(), tls);
    const sessions = [http2Session(context, address, tls), http2Session(context, address, tls)];
    await Promise.all([
      ...sessions.flatMap((session) => [overHttp2(session), overHttp2(session)]),
      overHttp1(context, address, tls),
      overHttp1(context, address, tls),
    ]);
  });
}

test("a client that knows no ALPN speaks HTTP/1.1 over TLS", { timeout }, async (context) => {
  const address = await listening(context, [http2()], tlsFixture("server"));
  const connection = connectTls({ host: "127.0.0.1", port: Number(address.split(":").at(-1)), ca });
  context.after(() => connection.destroy());
  await once(connection, "secureConnect");
  assert.equal(connection.alpnProtocol, false);
  connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  let answer = "";
  for await (const chunk of connection) answer += chunk;
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s);
});

test("who has agreed on HTTP/2 and speaks something else harms nobody", { timeout }, async (context) => {
  const address = await listening(context, [http2()], tlsFixture("server"));
  const port = Number(address.split(":").at(-1));
  for (const text of ["POST / HTTP/1.1\r\nHost: a\r\n\r\n", "\0\0\0", ""]) {
    const connection = connectTls({ host: "127.0.0.1", port, ca, ALPNProtocols: ["h2"] });
    connection.on("error", () => {});
    await once(connection, "secureConnect");
    connection.end(text);
    connection.resume();
    await new Promise((resolve) => connection.once("close", resolve));
  }
  await Promise.all([
    overHttp2(http2Session(context, address, tlsFixture("server"))),
    overHttp1(context, address, tlsFixture("server")),
  ]);
});

async function listening(
  context: TestContext,
  protocols: readonly Protocol[],
  tls: TlsOptions | undefined,
): Promise<string> {
  const listener = await newHttpTransport({ logger }).listen(
    "127.0.0.1:0",
    (socket) => ({ message: (message) => socket.send({ header: {}, body: message.body }), close() {} }),
    { protocols, ...(tls !== undefined && { tls }) },
  );
  context.after(() => listener.close());
  return listener.address;
}

function http2Session(
  context: TestContext,
  address: string,
  tls: TlsOptions | undefined,
): ClientHttp2Session {
  const session = tls === undefined ? connect(`http://${address}`) : connect(`https://${address}`, { ca });
  context.after(() => session.destroy());
  return session;
}

async function overHttp2(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.ok(Buffer.concat(chunks).equals(body));
}

async function overHttp1(context: TestContext, address: string, tls: TlsOptions | undefined): Promise<void> {
  const transport = newHttpTransport({ logger, ...(tls !== undefined && { tls: { ca } }) });
  const answer = await new Promise<Uint8Array>((resolve, reject) => {
    const events = {
      message: (message: { body: Uint8Array }) => resolve(message.body),
      close: (error?: Error) => reject(error ?? new Error("closed")),
    };
    transport.dial(address, events).then((socket) => {
      context.after(() => socket.destroy());
      socket.send({ header: {}, body });
    }, reject);
  });
  assert.ok(body.equals(answer));
}
