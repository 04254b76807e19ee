/** What the http broker and its subscribers say to each other by mux, frame by frame. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EventHandler, SubscribeOptions } from "../../src/broker/broker.ts";
import { type HttpBrokerOptions, newHttpBroker } from "../../src/broker/http.ts";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { RawMux, rawMuxServer } from "../mux/raw-mux.ts";

const logger = newLogger({ write: () => {} });
/** Only ends a hang. */
const timeout = 60_000;
let hubs = 0;

test("a head is sent once, and what is published in a turn follows it", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("ff.http.broadcast", "t-1", address);
  const header = {
    "Content-Type": "text/plain",
    "Micro-From-Service": "shop",
    "Micro-Id": "7",
    "X-A": "ä b",
  };
  const published = ["x", "a\nb", ""].map((text) =>
    publisher.publish("t", { header, body: Buffer.from(text) }),
  );
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  assert.equal(await raw.line(), "ts-micro-mux/1");
  assert.equal(
    await raw.line(),
    'h0 {"service":"micro.http.broker","endpoint":"t-1","contentType":"text/plain","from":"shop"}',
  );
  const metadata = '{"X-A":"\\u00e4\\u0020b"}';
  assert.equal(await raw.line(), `m0 7 ${metadata} *1`);
  // Counted bytes have no end of their own.
  assert.equal(await raw.line(), `xm0 7 ${metadata} *3`);
  assert.deepEqual([await raw.line(), await raw.line()], ["a", `bm0 7 ${metadata} *0`]);
  raw.write("t2 2\nt1 1\nt3 3\n");
  await Promise.all(published);
});

test("a subscriber takes what another implementation sends, and hands it to its handler", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const seen: unknown[] = [];
  const { raw, head } = await subscribe("t", ({ message, topic }) => {
    seen.push([topic, { ...message.header }, String(message.body)]);
  });
  raw.write(`${head(5, '"contentType":"text/plain","from":"shop"')}m5 7 {"x-a":"1"} plain text\n`);
  assert.equal(await raw.line(), "t1 1");
  raw.write(`${head(5)}m5 - - *3\na\nb`);
  assert.equal(await raw.line(), "t2 2");
  while (seen.length < 2) await new Promise(setImmediate);
  const fromHead = { "Content-Type": "text/plain", "Micro-From-Service": "shop" };
  assert.deepEqual(seen, [
    ["t", { "X-A": "1", ...fromHead, "Micro-Id": "7", "Micro-Topic": "t" }, "plain text"],
    ["t", { "Micro-Topic": "t" }, "a\nb"],
  ]);
});

test("what can't be taken is answered with the reason, and the connection lives on", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context, { maxMessageBytes: 10, timeoutMs: 500 });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handled: string[] = [];
  const handler: EventHandler = ({ message }) => {
    handled.push(String(message.body));
    return gate;
  };
  const { raw, head } = await subscribe("t", handler, { maxInFlight: 1 });
  raw.write(`${head(0)}h1 {"service":"micro.http.broker","endpoint":"nobody"}\n`);
  raw.write("m1 - - x\n");
  assert.match(await raw.line(), /^e1 .*"code":404,"detail":"no subscription \\"nobody\\""/);
  raw.write("m0 - - *11\n01234567890");
  assert.match(await raw.line(), /^e2 .*"code":413,"detail":"the body has 11 bytes, of 10 allowed"/);
  raw.write("m0 - - handled\nm0 - - waits\n");
  assert.equal(await raw.line(), "t3 4");
  // Both rooms are taken. One is given up by its publisher, the other is not held for ever.
  raw.write("m0 - - cancelled\nx5\nm0 - - late\n");
  assert.match(await raw.line(), /^e6 .*"code":503,"detail":"the subscription is busy or ending"/);
  release();
  raw.write("m0 - - last\n");
  assert.equal(await raw.line(), "t7 7");
  while (handled.length < 3) await new Promise(setImmediate);
  assert.deepEqual(handled, ["handled", "waits", "last"]);
});

test("a message that has left when the connection breaks is offered to nobody else", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  await register("q", "t-2", address);
  const published = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  await endAfterMessage(await accepted());
  await assert.rejects(published, (error) => {
    assert.ok(MicroError.is(error));
    assert.deepEqual([error.code, error.reason], [503, "connection-lost"]);
    assert.match(error.detail, /a node of queue "q" may have taken the message or not: node t-[12] at /);
    return true;
  });
  const next = publisher.publish("t", { header: {}, body: Buffer.from("y") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.write("p\n");
  assert.equal(await raw.line(), "yo", "it is the only one");
  raw.write("t1 1\n");
  await next;
});

test("what waits when the connection breaks goes to another connection", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("ff.http.broadcast", "t-1", address);
  const settled = Promise.allSettled(
    Array.from({ length: 200 }, () => publisher.publish("t", { header: {}, body: Buffer.from("x") })),
  );
  const first = await accepted();
  first.write("ts-micro-mux/1\n");
  await messages(first, 128);
  first.socket.destroy();
  const second = await accepted();
  second.write("ts-micro-mux/1\n");
  await messages(second, 72);
  second.write("t1 72\n");
  const results = await settled;
  assert.equal(results.filter(({ status }) => status === "rejected").length, 128);
});

test("what waits for one that has stopped reading goes to another connection", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context, { timeoutMs: 1_000 });
  await register("ff.http.broadcast", "t-1", address);
  const body = Buffer.alloc(100_000);
  const publishAndGiveUp = async (whenSent: Promise<unknown>): Promise<void> => {
    const giveUp = new AbortController();
    const published = publisher.publish("t", { header: {}, body }, { signal: giveUp.signal });
    await whenSent;
    giveUp.abort();
    await assert.rejects(published, { reason: "cancelled" });
  };
  const connected = accepted();
  await publishAndGiveUp(connected);
  const silent = await connected;
  silent.write("ts-micro-mux/1\n");
  silent.socket.pause();
  // More than the system takes, so that the last one can't leave, and nothing is left that could be unanswered.
  for (let count = 0; count < 150; count++) await publishAndGiveUp(new Promise(setImmediate));
  const published = publisher.publish("t", { header: {}, body: Buffer.from("waits") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.write("t1 1\n");
  await published;
});

test("a connection is read again when the messages it held have had their time", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context, { timeoutMs: 2_000 });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  context.after(() => release());
  const { raw, head } = await subscribe("t", () => gate, { maxInFlight: 1 });
  raw.write(`${head(0)}m0 - - x\nm0 - - x\n`);
  assert.equal(await raw.line(), "t1 2");
  const size = 4 * 1024 * 1024;
  for (let count = 0; count < 4; count++) raw.write(`m0 - - *${size}\n${"x".repeat(size)}`);
  assert.match(await raw.line(), /^e3 .*busy/);
  raw.write("p\n");
  while ((await raw.line()) !== "o");
  release();
});

test("the numbers of heads are given anew, and the window holds on", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("ff.http.broadcast", "t-1", address);
  const publish = (contentType: string) =>
    publisher.publish("t", { header: { "Content-Type": contentType }, body: Buffer.from("x") });
  let published = Array.from({ length: 128 }, (_, at) => publish(`first/${at}`));
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  for (let last = 128; last <= 1024; last += 128) {
    await messages(raw, 128);
    raw.write(`t${last - 127} ${last}\n`);
    await Promise.all(published);
    if (last < 1024) published = Array.from({ length: 128 }, (_, at) => publish(`${last}/${at}`));
  }
  published = Array.from({ length: 129 }, () => publish("last"));
  assert.match(await messages(raw, 128), /m0 /);
  raw.write("p\n");
  assert.equal(await raw.line(), "xo");
  raw.write("t1025 1152\n");
  await messages(raw, 1);
  raw.write("t1153 1153\n");
  await Promise.all(published);
});

test("one who says goodbye gets no further message, and its last answers count", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const first = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.write("g\n");
  assert.match(await raw.line(), /xk$/);
  const second = publisher.publish("t", { header: {}, body: Buffer.from("y") });
  const next = await accepted();
  next.write("ts-micro-mux/1\n");
  await linesUntil(next, /^m0 /);
  raw.write("t1 1\n");
  await first;
  await raw.closed();
  next.write("t1 1\n");
  await second;
});

test("a subscriber that leaves says goodbye, and waits for publishers that are still there", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const { raw, head, subscriber } = await subscribe("t", () => {});
  const gone = subscriber.disconnect();
  assert.equal(await raw.line(), "g");
  raw.write(`${head(0)}m0 - - x\n`);
  assert.match(await raw.line(), /^e1 .*"code":404/);
  raw.write("k\n");
  await raw.closed();
  await gone;
});

test("a publisher that never answers the goodbye doesn't hold the subscriber up", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const { raw, subscriber } = await subscribe("t", () => {});
  await subscriber.disconnect();
  await raw.closed();
});

test("a subscription that doesn't answer has 128 messages of a publisher, the others wait in it", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("ff.http.broadcast", "t-1", address);
  const published = Promise.all(
    Array.from({ length: 200 }, () => publisher.publish("t", { header: {}, body: Buffer.from("x") })),
  );
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await messages(raw, 128);
  raw.write("p\n");
  // Nothing but the answer to the question stands behind the last of them.
  assert.equal(await raw.line(), "xo");
  raw.write("t1 128\n");
  await messages(raw, 72);
  raw.write("t129 200\n");
  await published;
});

test("one that falls silent has no more time than the others", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context, { timeoutMs: 1_500 });
  await register("q", "t-1", address);
  const answered = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\nt1 1\n");
  await answered;
  const published = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  await assert.rejects(published, { code: 503, reason: "timeout" });
  // It is told that nobody waits, and asked whether it is there.
  await linesUntil(raw, /^xx2$/);
  assert.equal(await raw.line(), "p");
});

test("a publish that is given up is taken back", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const giveUp = new AbortController();
  const options = { signal: giveUp.signal };
  const published = publisher.publish("t", { header: {}, body: Buffer.from("x") }, options);
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  giveUp.abort();
  await assert.rejects(published, { code: 499, reason: "cancelled" });
  assert.equal(await raw.line(), "xx1");
  raw.write("t1 1\n");
});

test("who speaks something else is named, and not asked again for a while", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const published = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  (await accepted()).write("HTTP/1.1 400 Bad Request\r\n\r\n");
  await assert.rejects(published, (error: Error & { reason: string }) => {
    assert.equal(error.reason, "connection-failed");
    assert.match(error.message, /node t-1 at .*: it doesn't speak mux, as its record says/);
    return true;
  });
});

test("what is no text in a header becomes one, and doesn't cost the connection", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const header = JSON.parse('{"X-Number":7,"X-Null":null,"__proto__":"own"}') as Record<string, string>;
  Object.assign(header, { "X-None": undefined });
  const published = publisher.publish("t", { header, body: Buffer.from("x") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\nt1 1\n");
  await linesUntil(raw, /^m0 - \{"X-Number":"7","X-Null":"null","__proto__":"own"\} \*1$/);
  await published;
});

test("a header that no receiver would take is refused before it is sent", { timeout }, async (context) => {
  const { address } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const header = { "X-Long": "x".repeat(70_000) };
  await assert.rejects(
    publisher.publish("t", { header, body: Buffer.from("x") }),
    /the header has \d+ bytes, of 65536 allowed/,
  );
  await assert.rejects(
    publisher.publish("t", { header: { "Content-Type": "x".repeat(3_000) }, body: Buffer.from("x") }),
    /content type and calling service have 3000 characters, of 2048 allowed/,
  );
});

test("frames that can't be meant so end the connection and harm nobody", { timeout }, async (context) => {
  const { subscribe, publisher } = await newWorld(context);
  const handled: string[] = [];
  const { address, head } = await subscribe("t", ({ message }) => void handled.push(String(message.body)));
  for (const frames of [
    "m7 - - x\n",
    "h9999 {}\n",
    "h0 {\n",
    `h0 {"endpoint":"${"x".repeat(17_000)}"}\n`,
    `${head(0)}m0 - [] x\n`,
    `${head(0)}m0 - {"A":1} x\n`,
    `${head(0)}m0 - {"A" x\n`,
    `${head(0)}mx - - x\n`,
  ]) {
    const raw = RawMux.dial(context, address);
    raw.write(frames);
    await raw.closed();
  }
  await publisher.publish("t", { header: {}, body: Buffer.from("still there") });
  while (handled.length === 0) await new Promise(setImmediate);
  assert.deepEqual(handled, ["still there"]);
});

test("what comes together is confirmed together, but for what is refused or held", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const handled: string[] = [];
  const { raw, head } = await subscribe("t", ({ message }) => void handled.push(String(message.body)));
  const strange = 'h1 {"service":"micro.http.broker","endpoint":"nobody"}\n';
  const messages = ["m0 - - 1", "m0 - - 2", "m1 - - 3", "m0 - - 4", "m0 - - 5", "m0 - - 6"];
  raw.write(`${head(0)}${strange}${messages.join("\n")}\n`);
  const lines = [await raw.line(), await raw.line(), await raw.line()].sort();
  assert.match(lines[0] as string, /^e3 .*404/);
  assert.deepEqual(lines.slice(1), ["t1 2", "t4 6"]);
  while (handled.length < 5) await new Promise(setImmediate);
  assert.deepEqual(handled, ["1", "2", "4", "5", "6"]);
});

test("what is confirmed twice, or was never sent, harms nobody", { timeout }, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context);
  await register("q", "t-1", address);
  const publish = () => publisher.publish("t", { header: {}, body: Buffer.from("x") });
  const first = publish();
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.write("t1 1\nt1 1\nt0 999999999999999\nt7 3\n");
  await first;
  const second = publish();
  await linesUntil(raw, /m0 /);
  raw.write("t2 2\n");
  await second;
});

test("a message that came before the connection broke down is handled or not, but never twice", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const handled: string[] = [];
  const { raw, head, subscriber } = await subscribe(
    "t",
    ({ message }) => void handled.push(String(message.body)),
    { maxInFlight: 1 },
  );
  // The frame that can't be meant so comes with the others, so none of them was confirmed.
  raw.write(`${head(0)}m0 - - x\nm0 - - y\nm9 - - z\n`);
  await raw.closed();
  // Their rooms are free again.
  const again = RawMux.dial(context, subscriber.address);
  assert.equal(await again.line(), "ts-micro-mux/1");
  again.write(`${head(0)}m0 - - a\nm0 - - b\n`);
  assert.equal(await again.line(), "t1 2");
  while (handled.length < 2) await new Promise(setImmediate);
  assert.deepEqual(handled, ["a", "b"]);
});

test("a message that is taken back in what is read together is not handled", { timeout }, async (context) => {
  const { subscribe } = await newWorld(context);
  const handled: string[] = [];
  const { raw, head } = await subscribe("t", ({ message }) => void handled.push(String(message.body)), {
    maxInFlight: 1,
  });
  // As from a publisher that has offered the first one elsewhere while this process was stalled.
  raw.write(`${head(0)}m0 - - first\nm0 - - second\nx1\n`);
  assert.equal(await raw.line(), "t1 2");
  // Its room is free again.
  raw.write("m0 - - third\nm0 - - fourth\n");
  assert.equal(await raw.line(), "t3 4");
  while (handled.length < 3) await new Promise(setImmediate);
  assert.deepEqual(handled, ["second", "third", "fourth"]);
});

test("a confirmation that came while the publisher was busy counts, however late it is read", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context, { timeoutMs: 1_000 });
  await register("q", "t-1", address);
  const published = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.write("t1 1\n");
  const until = performance.now() + 1_100;
  while (performance.now() < until);
  await published;
});

test("a node that has not answered is not offered the message again when the registry tells of it anew", {
  timeout,
}, async (context) => {
  const { address, accepted } = await rawMuxServer(context);
  const { publisher, register } = await newWorld(context, { timeoutMs: 500 });
  await register("q", "t-1", address);
  const warm = publisher.publish("t", { header: {}, body: Buffer.from("x") });
  const raw = await accepted();
  raw.write("ts-micro-mux/1\nt1 1\n");
  await linesUntil(raw, /^m0 /);
  await warm;
  const published = publisher.publish("t", { header: {}, body: Buffer.from("y") });
  await linesUntil(raw, /m0 /);
  await register("q", "t-1", address);
  await assert.rejects(published, { code: 503, reason: "timeout" });
  await linesUntil(raw, /x2$/);
  assert.equal(await raw.line(), "p");
  raw.write("o\np\n");
  assert.equal(await raw.line(), "o");
});

test("a publisher that reads no confirmations loses its connection, and others have its rooms", {
  timeout,
}, async (context) => {
  const { subscribe, publisher } = await newWorld(context, { timeoutMs: 500 });
  const { raw, head } = await subscribe("t", () => {}, { maxInFlight: 1 });
  raw.socket.pause();
  raw.write(`${head(0)}h1 {"service":"micro.http.broker","endpoint":"${"x".repeat(8_000)}"}\n`);
  // So many refusals that the confirmations of those that are read last can't leave behind them.
  raw.write(`${"m1 - - x\n".repeat(20)}m0 - - x\n`.repeat(125));
  // Who doesn't read hears of the end only by writing.
  const writing = setInterval(() => raw.write("p\n"), 50);
  await raw.closed();
  clearInterval(writing);
  await publisher.publish("t", { header: {}, body: Buffer.from("y") });
});

test("headers count as what is held, too", { timeout }, async (context) => {
  const { subscribe } = await newWorld(context, { timeoutMs: 2_000 });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  context.after(() => release());
  const { raw, head } = await subscribe("t", () => gate, { maxInFlight: 1 });
  raw.write(`${head(0)}m0 - - x\nm0 - - x\n`);
  assert.equal(await raw.line(), "t1 2");
  const header = JSON.stringify({ A: "x".repeat(256 * 1024 - 100) });
  for (let count = 0; count < 70; count++) raw.write(`m0 - ${header} x\n`);
  raw.write("p\n");
  assert.match(await raw.line(), /^e3 .*busy/);
  while ((await raw.line()) !== "o");
});

test("many that wait are taken or given up in the order in which they came", { timeout }, async (context) => {
  const { publisher, subscribe } = await newWorld(context);
  const handled: number[] = [];
  await subscribe("t", ({ message }) => void handled.push(Number(message.body)), { maxInFlight: 1 });
  const count = 2_000;
  const giveUp = new AbortController();
  const results = Promise.allSettled(
    Array.from({ length: count }, (_, at) =>
      publisher.publish(
        "t",
        { header: {}, body: Buffer.from(String(at)) },
        { ...(at === 1_500 && { signal: giveUp.signal }) },
      ),
    ),
  );
  giveUp.abort();
  const rejected = (await results).flatMap(({ status }, at) => (status === "rejected" ? [at] : []));
  assert.deepEqual(rejected, [1_500]);
  while (handled.length < count - 1) await new Promise(setImmediate);
  assert.deepEqual(
    new Set(handled),
    new Set(Array.from({ length: count }, (_, at) => at).filter((at) => at !== 1_500)),
  );
});

test("who has looked at a message, and may have changed it, gets no text any more", {
  timeout,
}, async (context) => {
  const { subscribe } = await newWorld(context);
  const seen: unknown[] = [];
  const { raw, head } = await subscribe("t", (event) => {
    seen.push(event.text?.body, String(event.message.body), event.text);
  });
  raw.write(`${head(0)}m0 - - {}\n`);
  while (seen.length === 0) await new Promise(setImmediate);
  assert.deepEqual(seen, ["{}", "{}", undefined]);
});

test("a text that is no line, and an id that is no field, arrive as they are", {
  timeout,
}, async (context) => {
  const { publisher, subscribe } = await newWorld(context);
  const arrived: unknown[] = [];
  await subscribe("t", ({ message }) => {
    arrived.push([message.header["Micro-Id"], message.header["X-A"], String(message.body)]);
  });
  const parts = { contentType: "text/plain", metadata: { "X-A": "1" } };
  const texts = ["a\nk\n", "5 *5", "*7", "x *"];
  const ids = ["a b", "\n", "-", "é", 'a {"X-A":"2"} x'];
  for (const body of texts) await publisher.publishText?.("t", { ...parts, id: "i", body });
  for (const id of ids) await publisher.publishText?.("t", { ...parts, id, body: "{}" });
  while (arrived.length < texts.length + ids.length) await new Promise(setImmediate);
  assert.deepEqual(arrived, [...texts.map((body) => ["i", "1", body]), ...ids.map((id) => [id, "1", "{}"])]);
});

/** Brokers, and nodes whose other end is the test. */
async function newWorld(context: TestContext, options: HttpBrokerOptions = {}) {
  const registry = newMemoryRegistry({ addresses: [`broker-mux-${hubs++}`] });
  const connected = async () => {
    const broker = newHttpBroker({ parts: { registry }, logger, ...options });
    await broker.connect();
    context.after(() => broker.disconnect());
    return broker;
  };
  return {
    publisher: await connected(),
    register: (version: string, id: string, address: string) => register(registry, version, id, address),
    /** A subscription, and a publisher by hand. */
    async subscribe(topic: string, handler: EventHandler, subscribeOptions?: SubscribeOptions) {
      const subscriber = await connected();
      await subscriber.subscribe(topic, handler, subscribeOptions);
      const [record] = await registry.getService("micro.http.broker");
      const id = record?.nodes[0]?.id ?? "";
      const raw = RawMux.dial(context, subscriber.address);
      assert.equal(await raw.line(), "ts-micro-mux/1");
      const head = (number: number, more = ""): string =>
        `h${number} {"service":"micro.http.broker","endpoint":"${id}"${more && `,${more}`}}\n`;
      return { raw, head, subscriber, address: subscriber.address };
    },
  };
}

async function register(registry: Registry, version: string, id: string, address: string): Promise<void> {
  const metadata = { broker: "http", secure: "false", topic: "t", protocols: "http,mux" };
  const nodes = [{ id, address, metadata }];
  await registry.register({ name: "micro.http.broker", version, metadata: {}, endpoints: [], nodes });
}

async function endAfterMessage(raw: RawMux): Promise<void> {
  raw.write("ts-micro-mux/1\n");
  await linesUntil(raw, /^m0 /);
  raw.socket.destroy();
}

async function linesUntil(raw: RawMux, wanted: RegExp): Promise<void> {
  while (!wanted.test(await raw.line()));
}

/** Reads so many messages with a body of one byte each, and gives the line of the last. */
async function messages(raw: RawMux, count: number): Promise<string> {
  let line = "";
  for (let seen = 0; seen < count; ) {
    line = await raw.line();
    if (/^x?m/.test(line)) seen++;
  }
  return line;
}
