import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newMdnsRegistry } from "../../src/registry/mdns.ts";
import { filterLabel } from "../../src/selector/filters.ts";
import { newSelector } from "../../src/selector/registry.ts";

const registrar = fileURLToPath(new URL("./mdns-registrar.js", import.meta.url));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

test("a node that was killed isn't found any more, the others are, and after its restart it is again", async () => {
  const port = await freePort();
  const name = `greeter-${randomUUID().slice(0, 8)}`;
  const registry = newMdnsRegistry({ port, timeoutMs: 20_000 });
  const found = async (): Promise<string[]> => {
    const services = await registry.getService(name);
    return services.flatMap(({ nodes }) => nodes.map(({ id }) => id));
  };
  /** A busy machine may answer too late for one look-up, never for all of them. */
  const becomes = async (ids: string[]): Promise<void> => {
    while (JSON.stringify(await found()) !== JSON.stringify(ids));
  };
  const first = await start(port, name, "first");
  const second = await start(port, name, "second");
  await becomes(["first", "second"]);

  first.kill("SIGKILL");
  await once(first, "exit");
  assert.deepEqual(await found(), ["second"]);

  await start(port, name, "first");
  await becomes(["first", "second"]);

  const watcher = await registry.watch({ service: name });
  second.stdin?.end();
  for await (const { action, service } of watcher) {
    if (action === "create") continue;
    assert.deepEqual([action, service.nodes.map(({ id }) => id)], ["delete", ["second"]]);
    break;
  }
  await registry.close();
});

test("a node that was killed and comes back as it was is told to who asked for it meanwhile", async () => {
  const port = await freePort();
  const name = `greeter-${randomUUID().slice(0, 8)}`;
  const registry = newMdnsRegistry({ port });
  const watcher = await registry.watch({ service: name });
  const changes = watcher[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value } = await changes.next();
    return [value?.action, value?.service.nodes.map(({ id }: { id: string }) => id)];
  };
  const killed = await start(port, name, "killed", "same");
  assert.deepEqual(await next(), ["create", ["killed"]]);
  await start(port, name, "other");
  assert.deepEqual(await next(), ["create", ["other"]]);

  killed.kill("SIGKILL");
  await once(killed, "exit");
  while ((await registry.getService(name)).flatMap(({ nodes }) => nodes).length !== 1);

  await start(port, name, "killed", "same");
  assert.deepEqual(await next(), ["create", ["killed"]]);
  await registry.close();
});

test("a selection waits for a node that can be used, while only others have answered", async () => {
  const port = await freePort();
  const name = `greeter-${randomUUID().slice(0, 8)}`;
  const registry = newMdnsRegistry({ port, timeoutMs: 60_000 });
  const selector = newSelector({ parts: { registry } });
  await start(port, name, "other");
  const wanted = await start(port, name, "wanted", "wanted");
  wanted.kill("SIGSTOP");
  const selected = await selector.select(name, {
    filters: [
      (services) => {
        const left = filterLabel("label", "wanted")(services);
        if (left.length === 0) wanted.kill("SIGCONT");
        return left;
      },
    ],
  });
  assert.equal(selected().id, "wanted");
  await selector.close();
  await registry.close();
});

async function start(port: number, name: string, id: string, label = ""): Promise<ChildProcess> {
  const child = spawn(process.execPath, [registrar, String(port), name, id, label], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  assert.ok(child.stdout);
  const [line] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  assert.equal(String(line), "registered\n");
  return child;
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
