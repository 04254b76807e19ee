/** All that lives on a connection to NATS hears when that connection ends, and not only when somebody looks. */
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { nats, startNats } from "@ts-micro/conformance";
import { newConnection } from "@ts-micro/nats-connection";
import { MicroError, newLogger } from "ts-micro";
import type { SocketEvents } from "ts-micro/transport";
import { Ends } from "../src/ends.ts";
import { newTransport } from "../src/index.ts";
import { alpn, until } from "./streams.ts";

const logger = newLogger({ level: "fatal" });
/** Nobody looks within the time of a test. */
const pingIntervalMs = 600_000;

describe("when the connection to NATS ends", { skip: nats().skip, timeout: 60_000 }, () => {
  test("what was accepted hears of it, also on one that came back", async () => {
    await using server = await startNats();
    await using transport = newTransport({ addresses: [server.address], pingIntervalMs, logger });
    const ended: unknown[] = [];
    const accepted: string[] = [];
    const serve = (stream: Duplex): void => {
      accepted.push("stream");
      stream.on("error", (error) => void ended.push(error)).resume();
    };
    const accept = (): SocketEvents => {
      accepted.push("socket");
      return { message() {}, close: (error) => void ended.push(error) };
    };
    await transport.listen("pure", accept, {
      protocols: [{ name: "test", alpn, matches: () => true, serve }],
    });
    for (let life = 1; life <= 2; life++) {
      const client = await connect({ servers: server.address, reconnect: false });
      client.subscribe("client.*");
      // Until it listens again.
      for (let asked = 0; accepted.length === 0; asked++) {
        client.publish("pure.connect", alpn[0], { reply: `client.${asked}` });
        await client.flush();
      }
      for (let asked = 0; !accepted.includes("socket"); asked++) {
        client.publish("pure.dial", "", { reply: `client.socket-${asked}` });
        await client.flush();
      }
      await server.kill();
      await until(() => ended.length === accepted.length);
      for (const error of ended) assert.ok(MicroError.is(error) && error.reason === "connection-lost");
      ended.length = 0;
      accepted.length = 0;
      await server.start();
    }
  });

  test("closing while it listens again is no wait for the next loss", async () => {
    await using server = await startNats();
    const owner = { kind: "transport", errorId: "test", logger } as const;
    const connection = newConnection({ addresses: [server.address] }, owner);
    await connection.open();
    let times = 0;
    let closing: Promise<void> | undefined;
    const onListening = (): void => {
      if (++times === 2) closing = connection.close();
    };
    await connection.listen({ subject: "first", onMessage() {}, onListening });
    await connection.listen({ subject: "second", onMessage() {} });
    await server.kill();
    await server.start();
    await until(() => closing !== undefined);
    await closing;
    assert.equal(connection.server, "");
  });

  test("who waits for an answer hears of it; one listener is enough for all of them", async (context) => {
    await using server = await startNats();
    const options = { addresses: [server.address], pingIntervalMs, timeoutMs: 600_000, logger };
    const owner = { kind: "transport", errorId: "test", logger } as const;
    const ends = new Ends(newConnection(options, owner), options, () => {});
    const session = await ends.session();
    const listening = context.mock.method(session.ended, "then");
    const client = await connect({ servers: server.address, reconnect: false });
    let asked = 0;
    client.subscribe("silent.dial", { callback: () => void asked++ });
    await client.flush();
    const questions = Array.from({ length: 20 }, () =>
      ends.ask(session, { subject: "silent.dial", id: ends.newId() }, "silent", {}, () => {}),
    );
    const outcomes = Promise.allSettled(questions);
    await until(() => asked === questions.length);
    assert.equal(listening.mock.callCount(), 1);
    await server.kill();
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason));
      assert.equal(outcome.reason.reason, "connection-failed");
    }
    await assert.rejects(
      ends.ask(session, { subject: "silent.dial", id: ends.newId() }, "silent", {}, () => {}),
      { reason: "connection-failed" },
    );
    await ends.close();
  });
});
