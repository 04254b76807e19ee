/** Servers that are killed under load: nothing hangs, nothing escapes, and calls go on as soon as somebody answers. */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MicroError } from "ts-micro";
import { newClient } from "../src/index.ts";

const program = fileURLToPath(new URL("killed-server.js", import.meta.url));

interface Closing {
  after(run: () => void | Promise<void>): void;
}

async function start(
  context: Closing,
  address?: string,
): Promise<{ process: ChildProcess; address: string }> {
  const child = fork(program, address === undefined ? [] : [address]);
  context.after(() => void child.kill("SIGKILL"));
  const [listening] = await once(child, "message");
  return { process: child, address: String(listening) };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

test("calls to a server that is killed fail with a reason, and succeed when it is back", async (context) => {
  const first = await start(context);
  const client = newClient({ retries: 0 });
  context.after(() => client.close());
  const request = { service: "killed", endpoint: "Test.Echo", addresses: [first.address] };
  const call = (n: number): Promise<{ n: number }> => client.call({ ...request, body: { n } });
  assert.deepEqual(await call(0), { n: 0 });
  const outcomes = Promise.allSettled(Array.from({ length: 50 }, (_, n) => call(n)));
  await kill(first.process);
  for (const outcome of await outcomes) {
    if (outcome.status === "fulfilled") continue;
    assert.ok(MicroError.is(outcome.reason), String(outcome.reason));
    assert.match(outcome.reason.reason ?? "", /^connection-(lost|failed)$|^draining$/);
  }
  await assert.rejects(call(1), { code: 503, reason: "connection-failed" });
  await start(context, first.address);
  assert.deepEqual(await call(2), { n: 2 });
});

test("calls that may be repeated don't fail while one of two servers is killed", async (context) => {
  const [first, second] = [await start(context), await start(context)];
  const client = newClient({ retries: 3, backoff: () => 1 });
  context.after(() => client.close());
  const addresses = [first.address, second.address];
  let calls = 0;
  let killed = false;
  const lane = async (): Promise<void> => {
    for (let after = 0; after < 20; ) {
      const n = calls++;
      const body = { n };
      const request = { service: "killed", endpoint: "Test.Echo", addresses, idempotent: true, body };
      assert.deepEqual(await client.call(request), body);
      if (killed) after++;
    }
  };
  const lanes = Promise.all(Array.from({ length: 16 }, lane));
  while (calls < 200) await new Promise((resolve) => setTimeout(resolve, 1));
  await kill(first.process);
  killed = true;
  await lanes;
});
