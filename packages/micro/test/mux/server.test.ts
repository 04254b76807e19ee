import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { badRequest } from "../../src/errors.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { setUp, signal } from "../server/start-server.ts";
import { RawMux } from "./raw-mux.ts";

/** A started server and a connection to it. */
async function greeter(context: TestContext, options: Parameters<typeof setUp>[1] = {}) {
  // Nobody here understands the goodbye unless a test says so.
  const set = setUp(context, { drain: { propagationMs: 0, budgetMs: 0 }, ...options });
  const entered = signal<AbortSignal>();
  const release = signal();
  set.server.handle(
    newHandler("Say", {
      Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }),
      Bad: () => {
        throw badRequest("say", "no");
      },
      Slow: async (_request: unknown, { signal }: { signal: AbortSignal }) => {
        entered.done(signal);
        await release.promise;
        return "done";
      },
      Headers: (_request: unknown, context: { metadata: object }) => context.metadata,
      Count: async function* (requests: AsyncIterable<unknown>) {
        for await (const request of requests) yield request;
      },
      Flood: async function* (_requests: AsyncIterable<unknown>) {
        for (;;) yield "x".repeat(1_000);
      },
    }),
  );
  await set.server.start();
  const raw = RawMux.dial(context, set.server.address);
  assert.equal(await raw.line(), "ts-micro-mux/1");
  const head = (number: number, endpoint: string, more: object = {}): void =>
    raw.write(
      `h${number} ${JSON.stringify({ service: "greeter", endpoint, contentType: "application/json", ...more })}\n`,
    );
  return { ...set, raw, head, entered, release };
}

test("calls are answered by their numbers, in the order in which they are done", async (t) => {
  const { raw, head, entered, release } = await greeter(t);
  head(0, "Say.Hello");
  head(7, "Say.Slow");
  raw.write('q1 7 0 - {}\nq2 0 5000 - {"name":"John"}\nq3 0 0 - {"name":"J\\u00f6rg"}\n');
  assert.equal(await raw.line(), 'a2 {"msg":"Hello John"}');
  assert.equal(await raw.line(), "a3 *21", "what is not ASCII is counted");
  await entered.promise;
  release.done();
  assert.equal(await raw.line(), `${Buffer.from('{"msg":"Hello Jörg"}').toString("latin1")}a1 "done"`);
});

test("errors of handlers and of the protocol's users are answered, and the connection goes on", async (t) => {
  const { raw, head } = await greeter(t);
  head(0, "Say.Bad");
  head(1, "Say.Nope");
  head(2, "Say.Count");
  head(3, "Say.Hello", { contentType: "application/nope" });
  head(4, "Say.Hello");
  raw.write("q1 0 0 - {}\n");
  assert.equal(await raw.line(), 'e1 {"id":"say","code":400,"detail":"no","status":"Bad Request"}');
  raw.write("q2 1 0 - {}\n");
  assert.equal(await raw.line(), `e2 {"detail":"rpc: can't find method Nope"}`);
  raw.write("q3 2 0 - {}\n");
  assert.match(await raw.line(), /^e3 .*is a stream and was called without one/);
  raw.write("q4 3 0 - {}\n");
  assert.match(await raw.line(), /^e4 .*"code":415.*application\/nope/);
  raw.write("s5 4 0 -\n");
  assert.match(await raw.line(), /^e5 .*is no stream/);
  raw.write("q6 4 0 - {bad\n");
  assert.match(await raw.line(), /^e6 .*"code":400/);
  raw.write("y whatever that is\n\nx999\ni999 {}\nw999 1\nz999\n");
  raw.write('q7 4 0 - {"name":"John"}\n');
  assert.equal(await raw.line(), 'a7 {"msg":"Hello John"}');
});

test("a request that is too long is refused by itself", async (t) => {
  const { raw, head } = await greeter(t, { parts: { transport: newHttpTransport({ maxMessageBytes: 50 }) } });
  head(0, "Say.Hello");
  raw.write(`q1 0 0 - *51\n${" ".repeat(51)}`);
  assert.match(await raw.line(), /^e1 .*"code":413.*has 51 bytes/);
  raw.write('q2 0 0 - *15\n{"name":"John"}');
  assert.equal(await raw.line(), 'a2 {"msg":"Hello John"}');
  raw.write(`q3 0 0 - {"name":"${"x".repeat(40)}"}\n`);
  assert.match(await raw.line(), /^e3 .*"code":500.*allowed/, "nor is an answer sent that is too long");
});

test("metadata is what a mucp request would have had", async (t) => {
  const { raw, head } = await greeter(t);
  head(0, "Say.Headers", { from: "caller" });
  raw.write('q1 0 0 {"X-Trace":"a\\u0020b"} {}\n');
  const metadata = JSON.parse((await raw.line()).slice("a1 ".length));
  assert.deepEqual(
    { ...metadata, Local: "", Remote: "" },
    {
      "Content-Type": "application/json",
      "Micro-Endpoint": "Say.Headers",
      "Micro-From-Service": "caller",
      "Micro-Service": "greeter",
      "X-Trace": "a b",
      Local: "",
      Remote: "",
    },
  );
});

test("text is sent as it is: in the line, counted when it is long", async (t) => {
  const { raw, head } = await greeter(t);
  head(0, "Say.Hello");
  raw.write('q1 0 0 - {"name":"<J&J>"}\n');
  assert.equal(await raw.line(), 'a1 {"msg":"Hello <J&J>"}');
  const name = "x".repeat(16 * 1024);
  const body = JSON.stringify({ msg: `Hello ${name}` });
  raw.write(`q2 0 0 - {"name":"${name}"}\nq3 0 0 - {"name":"John"}\n`);
  assert.equal(await raw.line(), `a2 *${body.length}`);
  assert.equal(await raw.line(), `${body}a3 {"msg":"Hello John"}`);
});

test("a number that is used again while its call runs ends the connection", async (t) => {
  const { raw, head, entered, connect } = await greeter(t);
  head(0, "Say.Slow");
  raw.write("q1 0 0 - {}\n");
  await entered.promise;
  raw.write("q1 0 0 - {}\n");
  await raw.closed();
  (await connect()).destroy();
});

test("a cancelled call aborts its handler's signal", async (t) => {
  const { raw, head, entered, release } = await greeter(t);
  head(0, "Say.Slow");
  raw.write("q1 0 0 - {}\n");
  const aborted = await entered.promise;
  raw.write("x1\n");
  await new Promise((resolve) => aborted.addEventListener("abort", resolve));
  release.done();
});

test("a stream sends no more than its window, and takes no more", async (t) => {
  const { raw, head } = await greeter(t);
  head(0, "Say.Flood");
  raw.write("s1 0 0 -\n");
  let weight = 0;
  while (weight < 256 * 1024) {
    const line = await raw.line();
    weight += line.length - "i1 ".length + 32;
  }
  head(1, "Say.Hello");
  raw.write('q2 1 0 - {"name":"John"}\n');
  assert.equal(await raw.line(), 'a2 {"msg":"Hello John"}', "nothing more of the stream came before");
  raw.write("w1 2000\n");
  assert.match(await raw.line(), /^i1 /);
  raw.write("x1\n");
  head(2, "Say.Slow");
  const item = `i3 "${"x".repeat(8_000)}"\n`;
  raw.write(`s3 0 0 -\n${item.repeat(40)}`);
  await raw.closed();
});

for (const [what, bytes] of Object.entries({
  "a call with a head that was never sent": "q1 5 0 - {}\n",
  "a call without a number": "qx 0 0 - {}\n",
  "a head that is no JSON": "h0 {\n",
  "a head whose number is too high": "h99999 {}\n",
  "a head that is too long": `h0 {"endpoint":"${"x".repeat(17_000)}"}\n`,
  "metadata that is no JSON when somebody looks": undefined,
})) {
  test(`${what} closes the connection or fails the call, never the process`, async (t) => {
    const { raw, head, connect } = await greeter(t);
    if (bytes !== undefined) {
      raw.write(bytes);
      await raw.closed();
    } else {
      head(0, "Say.Headers");
      raw.write("q1 0 0 {bad {}\n");
      assert.match(await raw.line(), /^e1 /);
      raw.write('q2 0 0 {"A":1} {}\n');
      assert.match(await raw.line(), /^e2 .*metadata whose/);
    }
    (await connect()).destroy();
  });
}

test("a server that stops says goodbye, serves what it has, and closes when that was understood", async (t) => {
  const drain = { propagationMs: 0, budgetMs: 5_000 };
  const { server, raw, head, entered, release } = await greeter(t, { drain });
  head(0, "Say.Slow");
  head(1, "Say.Hello");
  raw.write("q1 0 0 - {}\n");
  await entered.promise;
  const stopped = server.stop();
  assert.equal(await raw.line(), "g");
  raw.write('q2 1 0 - {"name":"John"}\n');
  assert.equal(await raw.line(), 'a2 {"msg":"Hello John"}', "it was on its way already");
  raw.write("k\n");
  release.done();
  assert.equal(await raw.line(), 'a1 "done"');
  await raw.closed();
  await stopped;
});
