import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { bodyLength, messageFor, newMessage } from "../../src/transport/message.ts";
import type { Message, Socket, SocketEvents, Transport } from "../../src/transport/transport.ts";

test("a message of text has it until its bytes are read or set, which are the body from then on", () => {
  const read = newMessage({}, "abc");
  assert.equal(bodyLength(read), 3);
  assert.equal(read.text, "abc");
  read.body[0] = 0x58;
  assert.equal(read.text, undefined);
  assert.equal(String(read.body), "Xbc");
  const set = newMessage({}, "abc");
  set.body = Buffer.from("changed");
  assert.deepEqual([set.text, String(set.body), bodyLength(set)], [undefined, "changed", 7]);
});

test("who doesn't say that it takes text is given bytes, which a copy of the message has as well", () => {
  const header = { "X-A": "1" };
  assert.equal(messageFor({ takesText: true }, newMessage(header, "abc")).text, "abc");
  for (const taker of [undefined, {}, { takesText: false }]) {
    assert.deepEqual(
      { ...messageFor(taker, newMessage(header, "abc")) },
      { header, body: Buffer.from("abc") },
    );
  }
});

/** Changes `from` to `to` in all messages. */
type Change = (message: Message, from: string, to: string) => Message;

const replaced = ({ body }: Message, from: string, to: string): Buffer =>
  Buffer.from(Buffer.from(body).toString().replaceAll(from, to));

const changes: Record<string, Change> = {
  "another message": ({ header, body }, from, to) => ({ header, body: replaced({ header, body }, from, to) }),
  "a copy with another body": (message, from, to) => ({ ...message, body: replaced(message, from, to) }),
  "a copy with another header": (message, from, to) => {
    const copy = { ...message, header: { ...message.header, "X-Seen": "yes" } };
    copy.body.set(replaced(copy, from, to));
    return copy;
  },
  "another body set": (message, from, to) => {
    message.body = replaced(message, from, to);
    return message;
  },
  "other bytes in the body": (message, from, to) => {
    message.body.set(replaced(message, from, to));
    return message;
  },
};

/** A transport around another, as one that encrypts is. */
function around(inner: Transport, change: Change): Transport {
  const socketOf = (socket: Socket): Socket => ({
    ...socket,
    local: socket.local,
    remote: socket.remote,
    get closed() {
      return socket.closed;
    },
    send: (message) => socket.send(change(message, "a", "b")),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.close(),
    destroy: () => socket.destroy(),
    [Symbol.asyncDispose]: () => socket.close(),
  });
  const eventsOf = (events: SocketEvents): SocketEvents => ({
    ...events,
    message: (message) => events.message(change(message, "b", "c")),
    drain: () => events.drain?.(),
    close: (error) => events.close(error),
  });
  return {
    ...inner,
    dial: async (address, events, options) => socketOf(await inner.dial(address, eventsOf(events), options)),
    listen: (address, accept, options) =>
      inner.listen(address, (socket) => eventsOf(accept(socketOf(socket))), options),
  };
}

for (const [how, change] of Object.entries(changes)) {
  test(`a transport around another changes what it carries, however it does so: ${how}`, async () => {
    await using registry = newMemoryRegistry({ addresses: [randomUUID()] });
    await using transport = newHttpTransport();
    const outer = around(transport, change);
    for (const [ofClient, ofServer, expected] of [
      [outer, transport, { asked: "b", answered: "ac" }],
      [transport, outer, { asked: "a", answered: "bb" }],
    ] as const) {
      const name = randomUUID();
      const asked: unknown[] = [];
      const server = newServer({
        name,
        address: "127.0.0.1:0",
        drain: { propagationMs: 0 },
        parts: { registry, transport: ofServer },
      });
      server.handle(
        newHandler("Say", {
          Hello: (request: { letter: string }) => {
            asked.push(request.letter);
            return { letters: "ab" };
          },
        }),
      );
      await server.start();
      const client = newClient({ parts: { registry, transport: ofClient }, mux: false });
      try {
        const answer = await client.call({ service: name, endpoint: "Say.Hello", body: { letter: "a" } });
        assert.deepEqual(
          { asked: asked.join(), answered: (answer as { letters: string }).letters },
          expected,
        );
      } finally {
        await client.close();
        await server.stop();
      }
    }
  });
}
