import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runChild, scratch, startChild } from "./child.ts";

/** A service that serves, with parts that open nothing; it tells what happens on stdout. */
const serving = `
const recorder = newRecorder();
const say = (text) => () => void console.log(text);
const service = newService({
  name: "greeter",
  server: recorder.factory("server", "s"),
  afterStart: [say("up")],
  beforeStop: [say("stopping")],
  afterStop: [say("down")],
});
service.handle("Greeter", { Hello: () => "hello" });
`;

test("a program that ends well: exit code 0, and nothing but its own output", async (t) => {
  const ended = await runChild(t, {
    source: `await newService({ name: "client" }).run(async () => console.log("done"));`,
  });
  assert.deepEqual(ended, { code: 0, signal: null, stdout: "done\n", stderr: "" });
});

test("a program that fails: exit code 1 and one line", async (t) => {
  const source = `await newService({ name: "client" }).run(async () => { throw new Error("no luck\\ntoday"); });`;
  const ended = await runChild(t, { source });
  assert.deepEqual(ended, { code: 1, signal: null, stdout: "", stderr: "client: no luck today\n" });
  const debug = await runChild(t, { source, env: { MICRO_LOG_LEVEL: "debug" } });
  assert.equal(debug.code, 1);
  assert.match(debug.stderr, /^client: no luck today\nError: no luck\ntoday\n {4}at /);
});

test("a service that its registry can't carry: exit code 1 and one line, not a service that nobody finds", async (t) => {
  const name = `greeter-${"x".repeat(64)}`;
  const ended = await runChild(t, { source: `await newService({ name: "${name}" }).run();` });
  assert.deepEqual([ended.code, ended.stdout], [1, ""]);
  assert.match(ended.stderr, new RegExp(`\n${name}: go.micro.registry: .*\\(400 Bad Request\\)\n$`));
});

test("wrong usage: exit code 2 and one line", async (t) => {
  const source = `await newService({ name: "client" }).run(async () => console.log("done"));`;
  for (const [argv, env, stderr] of [
    [["--cleint=mucp"], {}, "client: unknown flag --cleint; did you mean --client?\n"],
    [
      [],
      { MICRO_CLIENT_RETRIES: "x" },
      'client: MICRO_CLIENT_RETRIES: "x" is not a whole number from 0 on; write it like MICRO_CLIENT_RETRIES=3\n',
    ],
  ] as const) {
    assert.deepEqual(await runChild(t, { source, argv, env }), { code: 2, signal: null, stdout: "", stderr });
  }
});

test("an unknown name and a broken plugin: exit code 1 and one line without a stack", async (t) => {
  const source = `await newService({ name: "client" }).run(async () => console.log("done"));`;
  const broken = join(scratch(t), "broken plugin#1.mjs");
  writeFileSync(broken, "export const Plugin = { name: 'x', type: 'broker' };");
  for (const [argv, env, start] of [
    [["--broker=nosuch"], {}, "client: Broker nosuch not found"],
    [[], { MICRO_PLUGIN: broken }, "client: could not cast Plugin object"],
    [["--plugin", "./nowhere.mjs"], {}, "client: "],
  ] as const) {
    const ended = await runChild(t, { source, argv, env });
    assert.equal(ended.code, 1);
    assert.equal(ended.stdout, "");
    assert.match(ended.stderr, /^[^\n]+\n$/);
    assert.ok(ended.stderr.startsWith(start), ended.stderr);
  }
  const debug = await runChild(t, { source, argv: ["--broker=nosuch"], env: { MICRO_LOG_LEVEL: "Debug" } });
  assert.match(debug.stderr, /\n {4}at /);
});

test("a failed plugin that left something open doesn't keep the process", async (t) => {
  const plugin = join(scratch(t), "open.mjs");
  writeFileSync(plugin, "setInterval(() => {}, 1_000); export const NotPlugin = 1;");
  const ended = await runChild(t, {
    source: `await newService({ name: "client" }).run();`,
    env: { MICRO_PLUGIN: plugin },
  });
  assert.equal(ended.code, 1);
});

test("--help: exit code 0, the text on stdout, with the names that are there", async (t) => {
  const plugin = join(scratch(t), "plugin.mjs");
  writeFileSync(
    plugin,
    `export const Plugin = {
      name: "xrpc", type: "client", newFunc: () => ({}),
      flags: [{ name: "xrpc_key", type: "string", usage: "Key for xrpc", option: "key" }],
    };`,
  );
  const ended = await runChild(t, {
    source: `await newService({ name: "greeter" }).run();`,
    argv: ["--help", "--broker=nosuch"],
    env: { MICRO_PLUGIN: plugin },
  });
  assert.equal(ended.code, 0);
  assert.equal(ended.stderr, "");
  assert.match(ended.stdout, /^NAME:\n {3}greeter - a ts-micro service\n/);
  assert.match(ended.stdout, /\n {3}--client value +Client for go-micro; .*xrpc {2}\[\$MICRO_CLIENT\]\n/);
  assert.match(ended.stdout, /\n {3}--xrpc_key value +Key for xrpc {2}\[\$MICRO_XRPC_KEY\]\n/);
  assert.match(ended.stdout, /\n {3}--help, -h +Show this help\n/);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) {
  test(`${signal} stops a service and the exit code is 0`, async (t) => {
    const child = startChild(t, { source: `${serving} await service.run();` });
    await child.printed("up");
    child.process.kill(signal);
    const ended = await child.ended;
    assert.equal(ended.code, 0);
    assert.equal(ended.stdout, "up\nstopping\ndown\n");
  });
}

test("a second signal ends the process at once", async (t) => {
  const source = `${serving.replace('say("stopping")', '() => { console.log("stopping"); return new Promise(() => {}); }')}
    setInterval(() => {}, 1_000);
    await service.run();`;
  const child = startChild(t, { source });
  await child.printed("up");
  child.process.kill("SIGTERM");
  await child.printed("stopping");
  // One signal may come twice in a moment (a terminal and npm both pass Ctrl-C on); a person is slower.
  const again = setInterval(() => child.process.kill("SIGINT"), 50);
  t.after(() => clearInterval(again));
  assert.equal((await child.ended).code, 130);
});

/** A table whose file system doesn't answer: who holds the lock is read from a pipe that nobody writes into. */
function silentDisk(t: TestContext): string {
  const folder = scratch(t);
  mkdirSync(join(folder, "micro"));
  execFileSync("mkfifo", [join(folder, "micro", "keeper.log.lock.1")]);
  return `partOptions: { store: { addresses: [${JSON.stringify(folder)}] } }`;
}

test("SIGTERM ends a service whose disk doesn't answer, by the signal, for nothing else frees the process", async (t) => {
  const parts = `name: "keeper", store: "file", registry: "memory", drain: { budgetMs: 300, propagationMs: 0 }, ${silentDisk(t)}`;
  for (const [source, left] of [
    [
      `const service = newService({ ${parts}, afterStart: [() => { void service.store.read("a").catch(() => {}); console.log("up"); }] });
       await service.run();`,
      "closing the store file",
    ],
    [
      `const service = newService({ ${parts}, beforeStart: [() => { console.log("up"); return service.store.connect(); }] });
       await service.run();`,
      "2 errors .* the start did not end in time .* closing the store file",
    ],
  ] as const) {
    const child = startChild(t, { source, env: { MICRO_LOG_LEVEL: "error" } });
    await child.printed("up");
    child.process.kill("SIGTERM");
    const ended = await child.ended;
    assert.match(ended.stderr, new RegExp(`^keeper: .*${left} did not end in time and is left alone`));
    assert.deepEqual([ended.code, ended.signal], [null, "SIGTERM"]);
  }
});

test("a second signal ends a process whose disk doesn't answer, too", async (t) => {
  const source = `const service = newService({ name: "keeper", store: "file", registry: "memory", ${silentDisk(t)},
      afterStart: [() => { void service.store.read("a").catch(() => {}); console.log("up"); }] });
    await service.run();`;
  const child = startChild(t, { source });
  await child.printed("up");
  const signals = setInterval(() => child.process.kill("SIGINT"), 50);
  t.after(() => clearInterval(signals));
  const { code, signal } = await child.ended;
  assert.deepEqual([code, signal], [null, "SIGINT"]);
});

test("a stop that fails: exit code 1 and one line", async (t) => {
  const source = `${serving}
    recorder.failAt("server s stopped");
    await service.run();`;
  const child = startChild(t, { source, env: { MICRO_LOG_LEVEL: "error" } });
  await child.printed("up");
  child.process.kill("SIGTERM");
  const ended = await child.ended;
  assert.equal(ended.code, 1);
  assert.equal(ended.stderr, "greeter: test: failed at server s stopped (500 Internal Server Error)\n");
  assert.equal(ended.stdout, "up\nstopping\ndown\n");
});

test("a program that is cut off by a signal says so in its exit code, and one that heeds it ends well", async (t) => {
  const start = `const service = newService({ name: "client" }); await service.run(async (signal) => { console.log("up");`;
  for (const [rest, code] of [
    ["await new Promise(() => setInterval(() => {}, 1_000)); });", 130],
    ["await new Promise((resolve) => signal.addEventListener('abort', resolve)); });", 0],
    [
      "await import('node:timers/promises').then((timers) => timers.setTimeout(60_000, 0, { signal })); });",
      0,
    ],
  ] as const) {
    const child = startChild(t, { source: `${start} ${rest}`, env: { MICRO_LOG_LEVEL: "error" } });
    await child.printed("up");
    child.process.kill("SIGINT");
    const ended = await child.ended;
    assert.deepEqual(ended, { code, signal: null, stdout: "up\n", stderr: "" });
  }
});

test("several services run in one process and end together", async (t) => {
  const source = `
    const services = ["one", "two"].map((name) => {
      const recorder = newRecorder();
      return newService({
        name,
        server: recorder.factory("server", name),
        afterStart: [() => console.log(name + " up")],
        afterStop: [() => console.log(name + " down")],
      });
    });
    const codes = await Promise.all(services.map((service) => service.run()));
    console.log(codes.join());`;
  const child = startChild(t, { source });
  await child.printed("one up");
  await child.printed("two up");
  child.process.kill("SIGTERM");
  const ended = await child.ended;
  assert.equal(ended.code, 0);
  assert.ok(ended.stdout.endsWith("one down\ntwo down\n0,0\n"), ended.stdout);
});

test("when one of two services fails, the other goes on", async (t) => {
  const source = `
    ${serving}
    const failing = newService({ name: "failing", argv: ["--broker=nosuch"] });
    const codes = await Promise.all([service.run(), failing.run().then((code) => (console.log("failed"), code))]);
    console.log(codes.join());`;
  const child = startChild(t, { source });
  await child.printed("up");
  await child.printed("failed");
  child.process.kill("SIGTERM");
  const ended = await child.ended;
  assert.equal(ended.code, 1);
  assert.equal(ended.stdout.trim().split("\n").at(-1), "0,1");
});
