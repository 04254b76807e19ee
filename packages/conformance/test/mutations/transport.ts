import { transportConformance } from "../../src/index.ts";
import type { MutationList } from "../mutation.ts";

export const mutations: MutationList<typeof import("ts-micro/transport")> = {
  entries: ["transport/index.js"],
  suite: ({ newMemoryTransport }) =>
    transportConformance("memory", {
      create: (options) => newMemoryTransport({ ...options, addresses: ["mutations"] }),
      timeoutMs: 3_000,
    }),
  mutations: [
    [
      "transport/memory-socket.js",
      "body: Buffer.from(message.body)",
      "body: message.body",
      "a body is shared with its sender",
    ],
    [
      "transport/memory-socket.js",
      "header: carriedHeader(message.header)",
      "header: message.header",
      "headers aren't made canonical",
    ],
    [
      "transport/memory-socket.js",
      "if (copy.body.length > peer.#maxMessageBytes)",
      "if (copy.body.length >= peer.#maxMessageBytes)",
      "the longest message is refused",
    ],
    [
      "transport/memory-socket.js",
      "if (copy.body.length > peer.#maxMessageBytes)",
      "if (copy.body.length > 2 * peer.#maxMessageBytes)",
      "a message that is too long is taken",
    ],
    [
      "transport/memory-socket.js",
      "if (peer.#inboxBytes <= highWaterMark)",
      "if (peer.#inboxBytes >= 0)",
      "send never says that much is waiting",
    ],
    ["transport/memory-socket.js", "this.#drainOwed = true;", "", "drain is never told"],
    [
      "transport/memory-socket.js",
      "if (!this.#drainOwed || this.#closed)",
      "if (this.#closed)",
      "drain is told unasked",
    ],
    [
      "transport/memory-socket.js",
      "pause() {\n        this.#paused = true;",
      "pause() {",
      "a pause is ignored",
    ],
    [
      "transport/memory-socket.js",
      "this.#paused = false;\n        this.#schedule();",
      "this.#paused = false;",
      "nothing comes after a pause",
    ],
    [
      "transport/memory-socket.js",
      "[...batch.slice(index), ...this.#inbox]",
      "[...batch.slice(index + 1), ...this.#inbox]",
      "a pause loses a message",
    ],
    [
      "transport/memory-socket.js",
      "[...batch.slice(index), ...this.#inbox]",
      "[...this.#inbox, ...batch.slice(index)]",
      "a pause mixes up the order",
    ],
    [
      "transport/memory-socket.js",
      "this.#inboxBytes -= message.body.length;",
      "",
      "what was taken counts as waiting",
    ],
    ["transport/memory-socket.js", "peer.#end ??= forPeer;", "", "the other end isn't told of a close"],
    [
      "transport/memory-socket.js",
      "            if (this.#closed)\n                break;\n            if (this.#paused)",
      "            if (this.#paused)",
      "messages come after the close",
    ],
    [
      "transport/memory-socket.js",
      "peer.#forget();\n",
      "",
      "breaking a connection delivers what was waiting",
    ],
    [
      "transport/memory-socket.js",
      "this.#leave(this.#lostFor(this.#peer));",
      "this.#leave({});",
      "a handler that throws looks like a proper close",
    ],
    [
      "transport/memory-socket.js",
      '{ reason: "too-large" }',
      '{ reason: "closed" }',
      "a refused message has another reason",
    ],
    [
      "transport/memory-socket.js",
      "        this.#events = undefined;\n        events?.close(error);",
      "        events?.close(error);",
      "a close is told twice",
    ],
    [
      "transport/memory-socket.js",
      "(this.#closed || !this.#paused)",
      "this.#end !== undefined",
      "a close is told before the messages of a pause",
    ],
    [
      "transport/memory-socket.js",
      "setImmediate(this.#deliverNow);",
      "this.#deliverNow();",
      "a message is delivered within send",
    ],
    ["transport/memory-socket.js", "this.#onClosed?.();", "", "close never resolves"],
    [
      "transport/memory.js",
      "if (signal?.aborted === true)",
      "if (signal === null)",
      "a dial that was cancelled goes on",
    ],
    [
      "transport/memory.js",
      '{ reason: "connection-failed" });\n            }\n            const local',
      '{ reason: "closed" });\n            }\n            const local',
      "a dial that fails has another reason",
    ],
    [
      "transport/memory.js",
      "if (first !== undefined)",
      "if (first === null)",
      "protocols that it can't carry are accepted",
    ],
    ["transport/memory.js", "taken.delete(chosen);", "", "who stopped listening is still dialled"],
    ["transport/memory.js", "if (!taken.has(address))", 'if (address !== "")', "two listen on one address"],
    [
      "transport/memory.js",
      "first + ((skip + n) % count)",
      "first",
      "only the first port of a range is tried",
    ],
    [
      "transport/memory.js",
      "return accept(server);",
      "return accept(server) && { message() { }, close() { } };",
      "the server hears nothing",
    ],
    [
      "transport/memory.js",
      'throw serviceUnavailable(id, detail, { reason: "connection-failed", cause: error });',
      "throw error;",
      "what refused a connection is thrown at the caller",
    ],
    [
      "transport/memory.js",
      'joinAddress("127.0.0.1", nextClientPort())',
      '""',
      "a client's end has no address",
    ],
  ],
};
