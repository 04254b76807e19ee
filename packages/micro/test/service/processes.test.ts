import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { runChild, startChild } from "./child.ts";

/** Two processes with the default parts: mucp over HTTP, found by mDNS. */
function programs(): { greeter: string; client: string } {
  const name = `greeter-${randomUUID()}`;
  return {
    greeter: `
      const service = newService({ name: "${name}", afterStart: [() => console.log("up")] });
      service.handle("Greeter", { Hello: (request) => ({ msg: "Hello " + request.name }) });
      await service.run();`,
    client: `
      const service = newService({ name: "${name}.client" });
      await service.run(async () => {
        const reply = await service.client.call({ service: "${name}", endpoint: "Greeter.Hello", body: { name: "John" } });
        console.log("client=" + service.client.name, reply.msg);
      });`,
  };
}

test("a service and a client in processes of their own find each other by default", async (t) => {
  const { greeter, client } = programs();
  const argv = ["--server_address=127.0.0.1:0"];
  const server = startChild(t, { source: greeter, argv });
  await server.printed("up");
  assert.deepEqual(await runChild(t, { source: client }), {
    code: 0,
    signal: null,
    stdout: "client=mucp Hello John\n",
    stderr: "",
  });
  server.process.kill("SIGTERM");
  assert.equal((await server.ended).code, 0);
});

test("calling a service that isn't there: exit code 1 and one line", async (t) => {
  const { client } = programs();
  const ended = await runChild(t, { source: client });
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^greeter-[^\n]*not found[^\n]*\n$/);
});
