import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scene, unique } from "../../scripts/scene.mjs";

const micro = fileURLToPath(new URL("../../packages/cli/bin/micro.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "brpc-"));
const plugin = join(folder, "brpc.mjs");
const greeter = unique("greeter");
const [service, client] = ["dist/src/service.js", "dist/src/client.js"];

await scene(async ({ start, run }) => {
  await start(service, ["--server=grpc", `--server_name=${greeter}`]);
  await start(service, ["--server=brpc", `--server_name=${greeter}`]);

  await run(client, ["--client=grpc", greeter]);

  await run(micro, ["plugin", "build", "@ts-micro/client-brpc", "-o", plugin]);

  await run(client, ["--client=brpc", greeter], { MICRO_PLUGIN: plugin });
});
rmSync(folder, { recursive: true });
