import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { bin, deadAddress, micro, startGreeter } from "./micro.ts";

test("an answer is printed for people, and with --json on one line", async (t) => {
  const { options } = await startGreeter(t);
  const body = '{"name": "John"}';
  assert.deepEqual(await micro(["call", options.name, "Greeter.Hello", body]), {
    code: 0,
    stdout: '{\n  "msg": "Hello John"\n}\n',
    stderr: "",
  });
  assert.deepEqual(await micro(["call", "--json", options.name, "Greeter.Hello", body]), {
    code: 0,
    stdout: '{"msg":"Hello John"}\n',
    stderr: "",
  });
});

test("without a body {} is sent", async (t) => {
  const { options } = await startGreeter(t);
  const { code, stdout } = await micro(["call", options.name, "Greeter.Hello", "--json"]);
  assert.deepEqual([code, stdout], [0, '{"msg":"Hello nobody"}\n']);
});

test("metadata reaches the handler", async (t) => {
  const { options } = await startGreeter(t);
  const ran = await micro([
    "call",
    options.name,
    "Greeter.Tenant",
    "--metadata",
    "Tenant=a=b",
    "--metadata=X=1",
  ]);
  assert.deepEqual(ran, { code: 0, stdout: '"a=b"\n', stderr: "" });
});

test("an error of the handler is one line with its id and code, exit code 1", async (t) => {
  const { options } = await startGreeter(t);
  assert.deepEqual(await micro(["call", options.name, "Greeter.Fail"]), {
    code: 1,
    stdout: "",
    stderr: "micro call: greeter: there is no such person (404 Not Found)\n",
  });
});

test("a service or endpoint that isn't there is told with where to look", async (t) => {
  const { options } = await startGreeter(t);
  const unknown = await micro(["call", `${options.name}x`, "Greeter.Hello"]);
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  assert.match(
    unknown.stderr,
    /^micro call: .*not found in registry mdns; did you mean greeter-[^\n]+\?.*\n$/,
  );

  const nobody = await micro(["call", "nobody-has-this-name", "Greeter.Hello"]);
  assert.deepEqual([nobody.code, nobody.stdout], [1, ""]);
  assert.match(nobody.stderr, /^micro call: .*not found .*; micro services lists what is there[^\n]*\n$/);

  const endpoint = await micro(["call", options.name, "Greeter.Bye"]);
  assert.deepEqual([endpoint.code, endpoint.stdout], [1, ""]);
  assert.match(
    endpoint.stderr,
    /^micro call: .*Bye; micro describe greeter-\S+ lists the endpoints[^\n]*\n$/,
  );
});

test("an endpoint without a dot is told how to write it", async (t) => {
  const { options } = await startGreeter(t);
  const { code, stdout, stderr } = await micro(["call", options.name, "Hello"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /^micro call: [^\n]*ill-formed: Hello; write it like Greeter\.Hello; micro describe greeter-\S+ lists the endpoints[^\n]*\n$/,
  );
});

test("--timeout limits the call", async (t) => {
  const { options } = await startGreeter(t);
  const { code, stdout, stderr } = await micro(["call", options.name, "Greeter.Sleep", "--timeout=50ms"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^micro call: [^\n]*timeout[^\n]*\(408 Request Timeout\)\n$/);
});

test("--address asks no registry", async (t) => {
  const { server } = await startGreeter(t);
  const args = (address: string) => ["call", "whatever", "Greeter.Hello", "--json", "--address", address];
  assert.equal((await micro(args(server.address))).stdout, '{"msg":"Hello nobody"}\n');
  const { code, stderr } = await micro(args(await deadAddress()));
  assert.equal(code, 1);
  assert.match(stderr, /^micro call: [^\n]*can't connect to 127\.0\.0\.1:\d+[^\n]*\n$/);
});

test("a stream's answers are printed as they come, one a line", async (t) => {
  const { options, server } = await startGreeter(t);
  const lines = { code: 0, stdout: '{"n":1}\n{"n":2}\n{"n":3}\n', stderr: "" };
  assert.deepEqual(await micro(["call", options.name, "Greeter.Count", '{"to":3}']), lines);
  // Nobody says here that it is one.
  const direct = ["call", "x", "Greeter.Count", '{"to":3}', "--address", server.address];
  assert.deepEqual(await micro([...direct, "--stream"]), lines);
  const { code, stderr } = await micro(direct);
  assert.equal(code, 1);
  assert.match(stderr, /is a stream and was called without one/);
});

test("interrupted, it ends as a shell expects, and the handler is told", async (t) => {
  const { options, asleep } = await startGreeter(t);
  const child = spawn(process.execPath, [bin, "call", options.name, "Greeter.Sleep", "--timeout=1m"]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      printed += text;
    });
  }
  const { signal } = await asleep;
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "close"), [130, null]);
  assert.equal(printed, "");
  if (!signal.aborted) await once(signal, "abort");
});

test("a reader that leaves in the middle of a stream is no failure", async (t) => {
  const { options } = await startGreeter(t);
  const child = spawn(process.execPath, [bin, "call", options.name, "Greeter.Count", '{"to":1e9}']);
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal(stderr, "");
});
