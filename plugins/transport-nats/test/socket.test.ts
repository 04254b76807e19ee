/** Connections of messages between two of ours, where NATS loses some of what is said. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nats } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import type { Socket } from "ts-micro/transport";
import { Streams, until } from "./streams.ts";

/** One end, and what it was told. */
interface End {
  socket: Socket;
  got: string[];
  drained: number;
  /** `undefined` in it for an end that was asked for. */
  closed: unknown[];
}

describe("connections of messages", { skip: nats().skip, timeout: 120_000 }, () => {
  let streams: Streams;
  before(async () => {
    streams = await Streams.start();
  });
  after(() => streams?.[Symbol.asyncDispose]());

  async function lossyPair(loses: (frame: Buffer) => boolean): Promise<[End, End]> {
    const ends: Omit<End, "socket">[] = [];
    const sockets: Socket[] = [];
    const end = () => {
      const told: Omit<End, "socket"> = { got: [], drained: 0, closed: [] };
      ends.push(told);
      return {
        message: ({ body }: { body: Uint8Array }) => void told.got.push(`${body.length} bytes`),
        drain: () => void told.drained++,
        close: (error?: Error) => void told.closed.push(error),
      };
    };
    const listener = await streams.transport.listen(`messages-${listened++}`, (socket) => {
      sockets.push(socket);
      return end();
    });
    const client = await streams.transport.dial(await streams.lossyWay(listener.address, loses), end());
    const [ofClient, ofServer] = ends;
    assert.ok(ofClient && ofServer && sockets[0]);
    return [Object.assign(ofClient, { socket: client }), Object.assign(ofServer, { socket: sockets[0] })];
  }
  let listened = 0;

  const message = (bytes: number) => ({ header: {}, body: Buffer.alloc(bytes) });

  test("a writer goes on once it hears how much was taken, be it the last word", async () => {
    let lost = 0;
    const [client, server] = await lossyPair((frame) => frame.toString("latin1", 0, 1) === "T" && lost++ < 4);
    assert.equal(client.socket.send(message(300_000)), false);
    await until(() => client.drained === 1);
    assert.ok(lost >= 4, `${lost} were lost`);
    assert.deepEqual(server.got, ["300000 bytes"]);
    await client.socket.close();
    await until(() => server.closed.length === 1);
    assert.deepEqual([client.closed, server.closed], [[undefined], [undefined]]);
  });

  for (const [which, loses] of [
    ["that others follow", 2],
    ["that is the last", 3],
  ] as const)
    test(`a message ${which} is missed when it is lost; those before it are told`, async () => {
      let sent = 0;
      const isLost = (frame: Buffer) => frame.toString("latin1", 0, 1) === "M" && ++sent === loses;
      const [client, server] = await lossyPair(isLost);
      for (const bytes of [1, 2, 300_000]) client.socket.send(message(bytes));
      await until(() => client.closed.length === 1 && server.closed.length === 1);
      assert.deepEqual(server.got, ["1 bytes", "2 bytes"].slice(0, loses - 1));
      for (const error of [...client.closed, ...server.closed]) {
        assert.ok(MicroError.is(error), String(error));
        assert.deepEqual([error.code, error.reason], [503, "connection-lost"]);
        assert.match(error.detail, /one was lost/);
      }
    });
});
