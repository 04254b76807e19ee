/** `services`, `describe` and `health`. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { conflict } from "ts-micro";
import { deadAddress, fixedRegistry, micro, scratch, startGreeter } from "./micro.ts";

test("services lists what the registry knows", async (t) => {
  const { options } = await startGreeter(t);
  const table = await micro(["services"]);
  assert.deepEqual([table.code, table.stderr], [0, ""]);
  const [head, ...names] = table.stdout.split("\n");
  assert.equal(head, "SERVICE");
  assert.ok(names.includes(options.name));

  const { code, stdout } = await micro(["services", "--json"]);
  const services = JSON.parse(stdout) as { name: string }[];
  assert.equal(code, 0);
  assert.ok(services.some(({ name }) => name === options.name));
});

test("services of an empty registry are an empty table, and []", async () => {
  assert.deepEqual(await micro(["services", "--registry=memory"]), {
    code: 0,
    stdout: "SERVICE  VERSION\n",
    stderr: "",
  });
  assert.equal((await micro(["services", "--registry=memory", "--json"])).stdout, "[]\n");
});

test("describe shows versions, nodes and endpoints", async (t) => {
  const { options, server } = await startGreeter(t, { version: "1.2", metadata: { zone: "a" } });
  const table = await micro(["describe", options.name]);
  assert.deepEqual([table.code, table.stderr], [0, ""]);
  const lines = table.stdout.split("\n");
  assert.ok(lines.includes(`service  ${options.name}`));
  assert.ok(lines.includes("version  1.2"));
  assert.ok(lines.some((line) => line.includes(` ${server.address} `) && line.includes("zone=a")));
  assert.ok(lines.some((line) => /^Greeter\.Count +stream=true$/.test(line)));

  const { code, stdout } = await micro(["describe", options.name, "--json"]);
  const [record] = JSON.parse(stdout);
  assert.deepEqual(
    [code, record.name, record.version, record.nodes[0].address],
    [0, options.name, "1.2", server.address],
  );
});

test("describe shows the shapes of messages, where a service has told them", async (t) => {
  const folder = scratch(t);
  const string = (name: string) => ({ name, type: "string", values: [] });
  const home = { name: "home", type: "Address", values: [string("city")] };
  const endpoint = {
    name: "Greeter.Hello",
    request: { name: "Person", type: "Person", values: [string("name"), home] },
    response: null,
    metadata: {},
  };
  const told = fixedRegistry.replace("endpoints: []", `endpoints: [${JSON.stringify(endpoint)}]`);
  writeFileSync(join(folder, "fixed.mjs"), told);
  const args = [
    "describe",
    "fixed",
    "--plugin=./fixed.mjs",
    "--registry=fixed",
    "--registry_address=10.0.0.1:1",
  ];
  const { code, stdout, stderr } = await micro(args, { cwd: folder });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(
    stdout.includes(
      "\nGreeter.Hello\n  request   Person\n    name  string\n    home  Address\n      city  string\n",
    ),
    stdout,
  );
});

test("describe and health of a service that isn't there: exit code 1, and where to look", async () => {
  for (const command of ["describe", "health"]) {
    const { code, stdout, stderr } = await micro([command, "nobody-has-this-name"]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      new RegExp(`^micro ${command}: .*nobody-has-this-name: not found .*; micro services lists .*\n$`),
    );
  }
});

test("health is fine when all nodes are", async (t) => {
  const { options, server } = await startGreeter(t);
  const { code, stdout, stderr } = await micro(["health", options.name]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, new RegExp(`^NODE +ADDRESS +STATUS\n${options.name}-\\S+ +${server.address} +ok\n$`));
});

test("health with one dead node shows all of them, and fails", async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, "fixed.mjs"), fixedRegistry);
  const { server } = await startGreeter(t);
  const dead = await deadAddress();
  const env = {
    MICRO_PLUGIN: "./fixed.mjs",
    MICRO_REGISTRY: "fixed",
    MICRO_REGISTRY_ADDRESS: `${server.address},${dead}`,
  };
  const table = await micro(["health", "fixed"], { cwd: folder, env });
  assert.deepEqual(
    [table.code, table.stderr],
    [1, "micro health: micro: 1 of 2 nodes of fixed are not ok (503 Service Unavailable)\n"],
  );
  const [, first, second] = table.stdout.split("\n");
  assert.match(first ?? "", new RegExp(`^fixed-0 +${server.address} +ok$`));
  assert.match(second ?? "", new RegExp(`^fixed-1 +${dead} +.*can't connect to ${dead}`));

  const { code, stdout } = await micro(["health", "fixed", "--json"], { cwd: folder, env });
  const nodes = JSON.parse(stdout) as { address: string; status: string }[];
  assert.deepEqual(
    [code, nodes.length, nodes[0]],
    [1, 2, { node: "fixed-0", address: server.address, status: "ok" }],
  );
  assert.match(nodes[1]?.status ?? "", /can't connect/);
});

test("what comes from the network doesn't steer the terminal", async (t) => {
  const text = "\u001b[31mred\u009b2J\nforged: line";
  const service = await startGreeter(t, { metadata: { zone: text } });
  service.handle("Odd", {
    Fail: () => {
      throw conflict("odd", text);
    },
    Echo: () => ({ text }),
  });
  const { name } = service.options;
  const [described, failed, answered, json] = await Promise.all([
    micro(["describe", name]),
    micro(["call", name, "Odd.Fail"]),
    micro(["call", name, "Odd.Echo"]),
    micro(["call", name, "Odd.Echo", "--json"]),
  ]);
  for (const { stdout, stderr } of [described, failed, answered, json]) {
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]|^forged/m);
  }
  assert.match(described.stdout, /zone=.*red/);
  assert.equal(failed.stderr, "micro call: odd: [31mred 2J forged: line (409 Conflict)\n");
  for (const { stdout } of [answered, json]) assert.deepEqual(JSON.parse(stdout), { text });
});
