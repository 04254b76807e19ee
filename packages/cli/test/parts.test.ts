/** Parts that plugins bring are those that the commands work with. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fixedRegistry, micro, scratch, startGreeter, xrpc } from "./micro.ts";

test("a client that MICRO_PLUGIN brings makes the call, and the default one can't", async (t) => {
  const env = { MICRO_PLUGIN: xrpc };
  const { options } = await startGreeter(t, {
    argv: ["--server=xrpc"],
    env: { ...env, MICRO_LOG_LEVEL: "fatal" },
  });
  const args = ["call", options.name, "Greeter.Hello", '{"name":"John"}', "--json"];
  const answered = { code: 0, stdout: '{"msg":"Hello John"}\n', stderr: "" };
  assert.deepEqual(await micro([...args, "--client=xrpc"], { env }), answered);
  assert.deepEqual(await micro([...args, `--plugin=${xrpc}`], { env: { MICRO_CLIENT: "xrpc" } }), answered);

  const { code, stdout, stderr } = await micro(args);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^micro call: [^\n]*xrpc[^\n]*\n$/);

  const ill = await micro(["health", options.name]);
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /--client=xrpc/);
  assert.equal((await micro(["health", options.name, "--client=xrpc"], { env })).code, 0);
});

test("a registry that a built plugin brings is the one that is asked", async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, "source.mjs"), fixedRegistry);
  const built = await micro(["plugin", "build", "source.mjs", "-o", "fixed.mjs"], { cwd: folder });
  assert.equal(built.code, 0, built.stderr);
  const { server } = await startGreeter(t);
  const surroundings = {
    cwd: folder,
    env: { MICRO_PLUGIN: "./fixed.mjs", MICRO_REGISTRY: "fixed", MICRO_REGISTRY_ADDRESS: server.address },
  };
  const [services, described, answer] = await Promise.all(
    [["services"], ["describe", "fixed", "--json"], ["call", "fixed", "Greeter.Hello", "--json"]].map(
      (args) => micro(args, surroundings),
    ),
  );
  assert.equal(services?.stdout, "SERVICE  VERSION\nfixed    7\n");
  assert.match(described?.stdout ?? "", new RegExp(`"version":"7".*"address":"${server.address}"`));
  assert.equal(answer?.stdout, '{"msg":"Hello nobody"}\n');
});

test("a transport that a plugin brings carries the call", async (t) => {
  const folder = scratch(t);
  writeFileSync(
    join(folder, "loud.mjs"),
    `import { newHttpTransport } from "ts-micro/transport";
    export function newTransport(options) {
      const http = newHttpTransport(options);
      return {
        name: "loud",
        listen: (...args) => http.listen(...args),
        dial(address, ...rest) {
          process.stderr.write("dialling " + address + "\\n");
          return http.dial(address, ...rest);
        },
        close: () => http.close(),
        [Symbol.asyncDispose]: () => http.close(),
      };
    }
    export const Plugin = { name: "loud", type: "transport", path: "./loud.mjs", newFunc: newTransport };`,
  );
  const built = await micro(["plugin", "build", "loud.mjs", "-o", "built.mjs"], { cwd: folder });
  assert.equal(built.code, 0, built.stderr);
  const { options, server } = await startGreeter(t);
  const ran = await micro(
    ["call", options.name, "Greeter.Hello", "--json", "--plugin=./built.mjs", "--transport=loud"],
    { cwd: folder },
  );
  assert.deepEqual(ran, {
    code: 0,
    stdout: '{"msg":"Hello nobody"}\n',
    stderr: `dialling ${server.address}\n`,
  });
});
