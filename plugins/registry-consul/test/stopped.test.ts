import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { consul, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { until } from "./bench.ts";

const program = fileURLToPath(new URL("registrar.js", import.meta.url));

test("a service that was stopped for longer than its TTL is registered again", {
  skip: consul().skip,
}, async (context) => {
  const name = "stopped-service";
  await using server = await startConsul();
  await using registry = newRegistry({ addresses: [server.address] });
  const child = spawn(process.execPath, [program, server.address, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  context.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const count = async (): Promise<number> => (await registry.getService(name)).length;
  await until("it is registered", async () => (await count()) === 1);
  child.kill("SIGSTOP");
  await until("it is gone", async () => (await count()) === 0);
  child.kill("SIGCONT");
  await until("it is back", async () => (await count()) === 1);
});
