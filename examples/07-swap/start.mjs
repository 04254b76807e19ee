import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scene, unique } from "../../scripts/scene.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [service, client] = [here("../01-hello/dist/src/service.js"), here("../01-hello/dist/src/client.js")];
const micro = here("../../packages/cli/bin/micro.js");
const folder = mkdtempSync(join(tmpdir(), "swap-"));
const greeter = unique("greeter");

await scene(async ({ start, run }) => {
  await start(service, [`--server_name=${greeter}`]);
  await start(service, ["--server=xrpc", `--server_name=${greeter}`], {
    MICRO_PLUGIN: here("../05-xrpc/dist/src/index.js"),
  });

  await run(client, [greeter]);

  const plugin = join(folder, "xrpc.mjs");
  const source = here("../05-xrpc/src/client.ts");
  await run(micro, [
    "plugin",
    "build",
    source,
    "--type=client",
    "--name=xrpc",
    "--new-func=newClient",
    "-o",
    plugin,
  ]);

  await run(client, ["--client=xrpc", greeter], { MICRO_PLUGIN: plugin });
});
rmSync(folder, { recursive: true });
