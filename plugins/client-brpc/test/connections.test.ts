import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, describe, test } from "node:test";
import { errno, type RpcMeta } from "@ts-micro/brpc-wire";
import { startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import type { Client } from "ts-micro/client";
import { newMemoryRegistry, type Service } from "ts-micro/registry";
import { type BrpcClientOptions, newClient } from "../src/index.ts";
import { echo, type Question, responseTo, ScriptedServer } from "./scripted-server.ts";

const ends: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function serve(script: (question: Question) => void): Promise<ScriptedServer> {
  const server = await new ScriptedServer(script).listen();
  ends.push(() => server.close());
  return server;
}

function clientWith(options: BrpcClientOptions = {}): Client {
  const client = newClient({ retries: 0, ...options });
  ends.push(() => client.close());
  return client;
}

/** The bytes of the call's answer, as text. */
async function call(client: Client, address: string, text = "hello", timeoutMs = 20_000): Promise<string> {
  const answer = await client.call<Buffer>({
    service: "scripted",
    endpoint: "Echo.Echo",
    addresses: [address],
    contentType: "application/octet-stream",
    body: Buffer.from(text),
    timeoutMs,
  });
  return answer.toString();
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => `text ${n}`);

/** Resolves when it is true. The test's own limit ends what never becomes so. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("connections of bRPC's client", { timeout: 60_000 }, () => {
  test("single: all calls share one, and each gets its own answer", async () => {
    const questions: Question[] = [];
    const server = await serve((question) => {
      questions.push(question);
      // In the opposite order.
      if (questions.length === 50) for (const each of questions.reverse()) echo(each);
    });
    const client = clientWith();
    const answers = await Promise.all(texts(50).map((text) => call(client, server.address, text)));
    assert.deepEqual(answers, texts(50));
    assert.equal(server.connections, 1);
  });

  test("pooled: a call has one to itself, and those that are idle are used again", async () => {
    const server = await serve(echo);
    const client = clientWith({ connectionType: "pooled", poolSize: 3 });
    await Promise.all(texts(8).map((text) => call(client, server.address, text)));
    assert.equal(server.connections, 8);
    await until(() => server.open.size === 3);
    for (const text of texts(10)) assert.equal(await call(client, server.address, text), text);
    assert.equal(server.connections, 8);
    const aging = clientWith({ connectionType: "pooled", poolTtlMs: 20 });
    await call(aging, server.address);
    await until(() => server.open.size === 3);
  });

  test("short: each call opens one and closes it", async () => {
    const server = await serve(echo);
    const client = clientWith({ connectionType: "short" });
    for (const text of texts(5)) assert.equal(await call(client, server.address, text), text);
    assert.equal(server.connections, 5);
    await until(() => server.open.size === 0);
  });

  test("a late answer goes to nobody", async () => {
    const late: Question[] = [];
    const server = await serve((question) => {
      if (question.payload.toString() === "slow") late.push(question);
      else {
        for (const each of late.splice(0)) echo(each);
        echo(question);
      }
    });
    for (const connectionType of ["single", "pooled"] as const) {
      const client = clientWith({ connectionType });
      assert.equal(await call(client, server.address, "first"), "first");
      await assert.rejects(call(client, server.address, "slow", 40), { code: 408, reason: "timeout" });
      assert.equal(await call(client, server.address, "second"), "second");
    }
  });

  test("bytes that are no frames end the connection with an error that says so; the next call has another", async () => {
    const answers: Record<string, (question: Question) => void> = {
      "another protocol": ({ socket }) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "a frame that is too long": ({ socket }) =>
        socket.write(Buffer.from("505250437fffffff00000000", "hex")),
      "a meta that is none": ({ socket }) => socket.write(Buffer.from("505250430000000100000001ff", "hex")),
      "a meta longer than its body": ({ socket }) =>
        socket.write(Buffer.from("505250430000000100000002ff", "hex")),
      "half a frame": ({ socket }) => socket.end(Buffer.from("50525043000000ff0000000a", "hex")),
      nothing: ({ socket }) => socket.end(),
      "a reset": ({ socket }) => socket.resetAndDestroy(),
    };
    const server = await serve((question) => {
      const answer = answers[question.payload.toString()];
      if (answer === undefined) echo(question);
      else answer(question);
    });
    const client = clientWith();
    for (const what of Object.keys(answers)) {
      await assert.rejects(call(client, server.address, what), (error) => {
        assert.ok(MicroError.is(error));
        assert.match(String(error.reason), /^(connection-lost|decode-failed|too-large)$/, what);
        assert.match(error.detail, new RegExp(`connection to ${server.address} (lost|closed)`), what);
        return true;
      });
      assert.equal(await call(client, server.address, "fine"), "fine");
    }
  });

  test("a server that stops in the middle of an answer: the connection is closed, the next call has another", async () => {
    const server = await serve((question) => {
      if (question.payload.toString() !== "half") return echo(question);
      question.socket.write(responseTo(question, question.payload).subarray(0, 15));
    });
    const client = clientWith({ stallTimeoutMs: 50 });
    await assert.rejects(call(client, server.address, "half"), {
      code: 500,
      reason: "connection-lost",
      detail: /nothing came for 50 ms in the middle of an answer/,
    });
    assert.equal(await call(client, server.address), "hello");
  });

  test("an answer that can't be read is an error of that call alone", async () => {
    const changes: Record<string, (meta: RpcMeta) => void> = {
      "an attachment longer than the answer": (meta) => {
        meta.attachmentSize = 1_000;
      },
      "a negative attachment": (meta) => {
        meta.attachmentSize = -1;
      },
      "an unknown compression": (meta) => {
        meta.compressType = 4;
      },
      "a compression that it isn't": (meta) => {
        meta.compressType = 2;
      },
      "a checksum that doesn't fit": (meta) => {
        meta.checksumType = 1;
        meta.checksumValue = Buffer.from([1, 2, 3, 4]);
      },
      "JSON that is none": (meta) => {
        meta.contentType = 1;
      },
    };
    const server = await serve((question) => {
      question.socket.write(responseTo(question, question.payload, changes[question.payload.toString()]));
    });
    const client = clientWith();
    for (const what of Object.keys(changes)) {
      await assert.rejects(call(client, server.address, what), { code: 500, reason: "decode-failed" }, what);
    }
    assert.equal(await call(client, server.address, "fine"), "fine");
    assert.equal(server.connections, 1);
  });

  test("a server that says goodbye gets no further calls, and answers those that it has", async () => {
    let held: Question | undefined;
    const server = await serve((question) => {
      if (question.payload.toString() !== "hold") return echo(question);
      held = question;
      const leaving = (meta: RpcMeta): void => {
        meta.correlationId = 0n;
        if (meta.response !== undefined) meta.response.errorCode = errno.logOff;
      };
      question.socket.write(responseTo(question, Buffer.alloc(0), leaving));
    });
    const client = clientWith();
    const holding = call(client, server.address, "hold");
    await until(() => held !== undefined);
    await until(() => server.connections === 1);
    while (server.connections === 1) assert.equal(await call(client, server.address, "next"), "next");
    assert.equal(server.open.size, 2);
    if (held !== undefined) echo(held);
    assert.equal(await holding, "hold");
    await until(() => server.open.size === 1);
  });

  test("what a server has not taken before it stops is tried again, though it was sent", async () => {
    let runs = 0;
    const server = await serve((question) => {
      if (runs++ > 0) return echo(question);
      const stopped = (meta: RpcMeta): void => {
        meta.correlationId = 0n;
        if (meta.response !== undefined) meta.response.errorCode = errno.close;
      };
      question.socket.end(responseTo(question, Buffer.alloc(0), stopped));
    });
    const once = clientWith();
    await assert.rejects(call(once, server.address), { code: 503, reason: "draining" });
    runs = 0;
    assert.equal(await call(clientWith({ retries: 1 }), server.address), "hello");
    assert.equal(runs, 2);
  });

  test("a call that was answered ELOGOFF is tried again, on another connection", async () => {
    const server = await serve((question) => {
      if (question.connection > 0) return echo(question);
      const leaving = (meta: RpcMeta): void => {
        if (meta.response !== undefined) meta.response.errorCode = errno.logOff;
      };
      question.socket.write(responseTo(question, Buffer.alloc(0), leaving));
    });
    assert.equal(await call(clientWith({ retries: 1 }), server.address), "hello");
    assert.equal(server.connections, 2);
  });

  test("a connection that fell silent gets no further calls", async () => {
    const server = await serve(echo);
    const proxy = await startSilenceableProxy(server.address);
    ends.push(async () => proxy[Symbol.asyncDispose]());
    const { address } = proxy;
    for (const connectionType of ["single", "pooled", "short"] as const) {
      const client = clientWith({ connectionType });
      assert.equal(await call(client, address), "hello");
      // The old connections only.
      proxy.silence();
      proxy.speak();
      // Whatever waits on it fails with its time; one call at most has to notice.
      await assert
        .rejects(call(client, address, "lost", 60), { code: 408, reason: "timeout" })
        .catch((error) => {
          // A short connection is a new one anyway.
          if (connectionType !== "short") throw error;
        });
      assert.equal(await call(client, address, "back"), "back");
    }
  });

  test("a slow handler is no silence: other answers show that the server is there", async () => {
    const server = await serve((question) => {
      if (question.payload.toString() !== "slow") echo(question);
    });
    const client = clientWith();
    const slow = assert.rejects(call(client, server.address, "slow", 200), { code: 408 });
    for (const text of texts(20)) assert.equal(await call(client, server.address, text), text);
    await slow;
    assert.equal(await call(client, server.address), "hello");
    assert.equal(server.connections, 1);
  });

  test("an address that refuses is tried in the background, and called again once it is back", async () => {
    const server = await serve(echo);
    const client = clientWith({ healthCheckIntervalMs: 100 });
    assert.equal(await call(client, server.address), "hello");
    await server.close();
    await until(() => server.open.size === 0);
    const refused = { code: 503, reason: "connection-failed" };
    // The end of the connection may come after the first of these was sent.
    await call(client, server.address).catch(() => {});
    await assert.rejects(call(client, server.address), refused);
    await assert.rejects(call(client, server.address), { ...refused, detail: /it is being tried again/ });
    await server.listen();
    const before = server.connections;
    for (;;) {
      const back = await call(client, server.address).catch((error) => {
        assert.equal(error.reason, "connection-failed");
      });
      if (back === "hello") break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // The probe's own connection is used.
    assert.equal(server.connections, before + 1);
  });

  test("a client that is closed while an address is probed leaves nothing behind", async () => {
    const server = await serve(echo);
    const { address } = server;
    await server.close();
    const client = newClient({ retries: 0 });
    await assert.rejects(call(client, address), { reason: "connection-failed" });
    await client.close();
    await assert.rejects(call(client, address), { reason: "closed" });
  });

  test("a node that leaves the registry loses its connections, one that stays keeps them", async () => {
    const [leaving, staying] = [await serve(echo), await serve(echo)];
    const registry = newMemoryRegistry({ addresses: [randomUUID()] });
    ends.push(() => registry.close());
    const record = (id: string, { address }: ScriptedServer): Service => ({
      name: "scripted",
      version: "1",
      metadata: {},
      endpoints: [],
      nodes: [{ id, address, metadata: { protocol: "brpc" } }],
    });
    await registry.register(record("a", leaving));
    await registry.register(record("b", staying));
    for (const connectionType of ["single", "pooled"] as const) {
      await registry.register(record("a", leaving));
      const client = clientWith({ connectionType, parts: { registry } });
      const request = { service: "scripted", endpoint: "Echo.Echo", body: "hello" };
      while (leaving.open.size === 0 || staying.open.size === 0) await client.call(request);
      await registry.deregister(record("a", leaving));
      await until(() => leaving.open.size === 0);
      assert.equal(await client.call(request), "hello");
      await client.close();
      await until(() => staying.open.size === 0);
    }
  });

  test("a server that doesn't read costs bounded memory: further calls are refused", async () => {
    const server = createServer((socket) => {
      socket.pause();
      socket.on("error", () => {});
      ends.push(async () => socket.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const client = clientWith();
    const attachment = Buffer.alloc(24 << 20);
    const request = {
      service: "deaf",
      endpoint: "Echo.Echo",
      addresses: [`127.0.0.1:${port}`],
      timeoutMs: 3_000,
    };
    const calls = Array.from({ length: 8 }, async () => {
      await new Promise(setImmediate);
      return client.call({ ...request, brpc: { attachment } }).then(
        () => "answered",
        (error: MicroError) => `${error.code}`,
      );
    });
    const outcomes = await Promise.all(calls);
    assert.ok(outcomes.includes("503"), outcomes.join());
    assert.ok(outcomes.includes("408"), outcomes.join());
    assert.equal(outcomes.includes("answered"), false);
  });
});
