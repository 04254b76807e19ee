/** What go-micro's nats transport writes and reads (`transport/nats/nats.go`). */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newTransport } from "@ts-micro/transport-nats";
import { MicroError, newLogger } from "ts-micro";
import type { Message, Socket } from "ts-micro/transport";

const logger = newLogger({ level: "fatal" });
const text = ({ header, body }: Message): string => `${JSON.stringify({ ...header })} ${Buffer.from(body)}`;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}

describe("on the wire", { skip: nats().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  let go: NatsConnection;
  before(async () => {
    server = await startNats();
    go = await connect({ servers: server.address });
  });
  after(async () => {
    await go?.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("a client of go-micro's is a connection by its inbox; one that is silent is given up", async () => {
    await using transport = newTransport({
      addresses: [server.address],
      idleMs: 500,
      pingIntervalMs: 100,
      logger,
    });
    const got: string[] = [];
    const closed: unknown[] = [];
    const listener = await transport.listen("there", (socket: Socket) => ({
      message(message) {
        got.push(`${socket.local} ${text(message)}`);
        socket.send({
          header: { "Micro-Id": "1", "Content-Type": "application/json" },
          body: Buffer.from("{}"),
        });
      },
      close: (error) => void closed.push(error),
    }));
    const answers: string[] = [];
    const inboxes = [createInbox(), createInbox()];
    for (const inbox of inboxes) {
      go.subscribe(inbox, { callback: (_, { data }) => void answers.push(Buffer.from(data).toString()) });
    }
    await go.flush();
    for (const inbox of inboxes)
      go.publish("there", '{"Header":{"Micro-Id":"0"},"Body":"e30K"}', { reply: inbox });
    await until(() => answers.length === 2);
    assert.deepEqual(got, ['there {"Micro-Id":"0"} {}\n', 'there {"Micro-Id":"0"} {}\n']);
    const answer = '{"Header":{"Content-Type":"application/json","Micro-Id":"1"},"Body":"e30="}';
    assert.deepEqual(answers, [answer, answer]);
    await until(() => closed.length === 2);
    await listener.close();
  });

  test("to a server of go-micro's each message goes with the same inbox for answers", async () => {
    await using transport = newTransport({ addresses: [server.address], logger });
    const seen: string[] = [];
    const replies = new Set<string>();
    const subscription = go.subscribe("greeter", {
      callback(_, message) {
        // What it does with an empty message: nothing.
        if (message.data.length === 0) return;
        seen.push(Buffer.from(message.data).toString());
        replies.add(message.reply ?? "");
        message.respond('{"Header":{"Micro-Id":"0"},"Body":"aGk="}');
      },
    });
    await go.flush();
    const got: string[] = [];
    const closed: unknown[] = [];
    const socket = await transport.dial("greeter", {
      message: (message) => void got.push(text(message)),
      close: (error) => void closed.push(error),
    });
    for (const body of ["one", "two"]) {
      socket.send({ header: { "Micro-Service": "x", "Content-Type": "a/b" }, body: Buffer.from(body) });
    }
    await until(() => got.length === 2);
    const json = (body: string) => `{"Header":{"Content-Type":"a/b","Micro-Service":"x"},"Body":"${body}"}`;
    assert.deepEqual(seen, [json("b25l"), json("dHdv")]);
    assert.equal(replies.size, 1);
    assert.deepEqual(got, ['{"Micro-Id":"0"} hi', '{"Micro-Id":"0"} hi']);
    // Nothing is said when it ends: go-micro would take it for a message.
    await socket.close();
    const gone = await transport.dial("greeter", { message() {}, close: (error) => void closed.push(error) });
    subscription.unsubscribe();
    await go.flush();
    gone.send({ header: {}, body: Buffer.from("three") });
    await until(() => closed.length === 2);
    assert.ok(MicroError.is(closed[1]) && closed[1].reason === "connection-lost");
    assert.equal(seen.length, 2);
  });

  test("what was never sent can't be taken, frames are numbered and have their length", async () => {
    await using transport = newTransport({ addresses: [server.address], logger });
    const sockets: Socket[] = [];
    const closed: unknown[] = [];
    await transport.listen("taken", (socket) => {
      sockets.push(socket);
      return { message() {}, close: (error) => void closed.push(error) };
    });
    for (const [frame, reason] of [
      ["T\0\0\0\0\xff\xff\xff\xff", /says that it took more than it was sent/],
      ["T\0\0\0\0\0\0\0\x04", /says that it took more than it was sent/],
      ["T\0\0\0\x01\0\0\0\0", /message 1 came instead of 0: one was lost/],
      ["M\0\0\0\x02\0\0\0\x02{}", /message 2 came instead of 0: one was lost/],
      ["T\0\0", /a frame of what was taken can't have 3 bytes/],
      ["T\0\0\0\0\0\0\0\0\0", /a frame of what was taken can't have 10 bytes/],
      ["M\0\0\0\0", /sent something that is not a message/],
      ["P", /a frame can't begin with 80/],
    ] as const) {
      const inbox = createInbox();
      const got: string[] = [];
      let peer = "";
      go.subscribe(inbox, {
        callback(_, { data, reply }) {
          peer ||= reply ?? "";
          got.push(Buffer.from(data).toString("latin1"));
        },
      });
      go.publish("taken.dial", "", { reply: inbox });
      await until(() => peer !== "");
      sockets.at(-1)?.send({ header: {}, body: Buffer.from("abc") });
      go.publish(peer, Buffer.from(frame, "latin1"), { reply: inbox });
      await until(() => closed.length === 1);
      const error = closed.pop();
      assert.ok(MicroError.is(error) && reason.test(error.detail), String(error));
      await until(() => got.some((told) => told.startsWith("E")));
    }
  });

  test("a message beyond the server's limit ends the connection, and says which limit", async () => {
    await using small = await startNats();
    await using transport = newTransport({ addresses: [small.address], maxMessageBytes: 32 << 20, logger });
    await transport.listen("limit", () => ({ message() {}, close() {} }));
    const closed: unknown[] = [];
    const socket = await transport.dial("limit", { message() {}, close: (error) => void closed.push(error) });
    socket.send({ header: {}, body: Buffer.alloc(9 << 20) });
    await until(() => closed.length === 1);
    assert.ok(MicroError.is(closed[0]));
    assert.deepEqual([closed[0].code, closed[0].reason], [413, "too-large"]);
    assert.match(closed[0].detail, /the nats server takes 8388608 \(its max_payload\)/);
  });

  test("addresses that are no subjects, TLS and further protocols are refused with the reason", async () => {
    await using transport = newTransport({ addresses: [server.address], logger });
    const accept = () => ({ message() {}, close() {} });
    for (const [address, options, code, reason] of [
      [":8080", {}, 500, /choose one that others can dial, or port 0 for any/],
      ["a b", {}, 500, /it has blanks, wildcards or an empty part/],
      ["x", { tls: {} }, 501, /has no TLS of its own \(--nats_tls is that to NATS\)/],
    ] as const) {
      await assert.rejects(
        transport.listen(address, accept, options),
        (thrown: unknown) => MicroError.is(thrown) && thrown.code === code && reason.test(thrown.detail),
      );
    }
  });
});
