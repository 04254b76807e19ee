import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newClient } from "@ts-micro/client-brpc";
import { MicroError } from "ts-micro";

const program = fileURLToPath(new URL("serve.js", import.meta.url));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function start(address: string): Promise<{ address: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [program, address], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const exit = once(child, "exit");
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    exit.then(([code]) => Promise.reject(new Error(`the server ended with code ${code}`))),
  ]);
  return {
    address: String(line).trim(),
    async kill() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

describe("a bRPC server that is killed under calls", { timeout: 120_000 }, () => {
  for (const connectionType of ["single", "pooled", "short"] as const) {
    test(`${connectionType}: calls fail as they should, and succeed once it is back`, async () => {
      let server = await start("127.0.0.1:0");
      const { address } = server;
      const client = newClient({ connectionType, retries: 0, healthCheckIntervalMs: 200 });
      const request = { service: "echo", endpoint: "Plain.Echo", addresses: [address], timeoutMs: 20_000 };
      const outcomes = new Set<string>();
      let stop = false;
      let answered = 0;
      const caller = async (): Promise<void> => {
        for (let n = 0; !stop; n++) {
          try {
            assert.equal(await client.call({ ...request, body: n }), n);
            answered++;
          } catch (thrown) {
            if (!MicroError.is(thrown)) throw thrown;
            outcomes.add(`${thrown.code} ${thrown.reason}`);
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
        }
      };
      const callers = Promise.all(Array.from({ length: 8 }, caller));
      const more = async (): Promise<void> => {
        const wanted = answered + 200;
        while (answered < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      for (let round = 0; round < 2; round++) {
        await more();
        await server.kill();
        server = await start(address);
      }
      await more();
      stop = true;
      await callers;
      await client.close();
      await server.kill();
      // Those that were on their way may have run, or not. Afterwards they never left.
      assert.deepEqual([...outcomes].sort(), ["500 connection-lost", "503 connection-failed"]);
    });
  }
});
