/** A peer that sends to the http broker and waits for nothing can't make it hold more and more. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { parseAddress } from "../../src/address.ts";
import type { EventHandler } from "../../src/broker/broker.ts";
import { encodeEnvelope } from "../../src/broker/envelope.ts";
import { newHttpBroker } from "../../src/broker/http.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";

const logger = newLogger({ write: () => {} });
const timeout = 60_000;
/** Room for what the system holds between the ends, and far less than what is offered. */
const mostBytes = 64 * 1024 * 1024;
let hubs = 0;

test("requests that wait for a busy subscription are not read without end", { timeout }, async (context) => {
  const gate = newGate();
  const { flood, publish, handled } = await subscribed(context, () => gate.opened);
  const sent = await flood(64 * 1024);
  assert.ok(sent < mostBytes, `${sent} bytes were taken`);
  gate.open();
  await publish("still there");
  while (!handled.includes("still there")) await new Promise((resolve) => setImmediate(resolve));
});

test("neither are those whose answers nobody reads", { timeout }, async (context) => {
  const { flood, publish, handled } = await subscribed(context, () => {});
  const sent = await flood(100);
  assert.ok(sent < mostBytes, `${sent} bytes were taken`);
  await publish("still there");
  while (!handled.includes("still there")) await new Promise((resolve) => setImmediate(resolve));
});

function newGate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function subscribed(context: TestContext, handler: EventHandler) {
  const registry = newMemoryRegistry({ addresses: [`http-flood-${hubs++}`] });
  const broker = newHttpBroker({ parts: { registry }, logger });
  await broker.connect();
  const handled: string[] = [];
  await broker.subscribe(
    "t",
    (event) => {
      handled.push(String(event.message.body));
      return handler(event);
    },
    { maxInFlight: 1 },
  );
  context.after(() => broker.disconnect());
  const [record] = await registry.getService("micro.http.broker");
  const node = record?.nodes[0];
  assert.ok(node !== undefined);

  /** Sends messages until the connection is gone or nothing more is taken; gives the bytes that were. */
  async function flood(bodyBytes: number): Promise<number> {
    const envelope = encodeEnvelope({ header: {}, body: Buffer.alloc(bodyBytes, "x") }, "t");
    const head = `POST /?id=${node?.id} HTTP/1.1\r\nHost: a\r\nContent-Length: ${envelope.length}\r\n\r\n`;
    const request = Buffer.concat([Buffer.from(head), envelope]);
    const many = Buffer.concat(Array.from({ length: Math.ceil((1 << 20) / request.length) }, () => request));
    const socket = connect(parseAddress(node?.address ?? "") as { host: string; port: number });
    socket.on("error", () => {});
    const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    // Never reading: no `data` listener, no `resume`.
    let sent = 0;
    while (!socket.destroyed && sent < 2 * mostBytes) {
      if (!socket.write(many)) {
        const stuck = new Promise<"stuck">((resolve) => setTimeout(resolve, 3_000, "stuck").unref());
        const drained = new Promise<void>((resolve) => socket.once("drain", () => resolve()));
        if ((await Promise.race([drained, gone, stuck])) === "stuck") break;
      }
      sent += many.length;
    }
    socket.destroy();
    return sent;
  }

  const publish = (text: string) => broker.publish("t", { header: {}, body: Buffer.from(text) });
  return { flood, publish, handled };
}
