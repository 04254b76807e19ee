import { fileURLToPath } from "node:url";
import { scene, unique } from "../../scripts/scene.mjs";

const hello = fileURLToPath(new URL("../01-hello/dist/src/", import.meta.url));
const env = { MICRO_PLUGIN: fileURLToPath(new URL("dist/src/index.js", import.meta.url)) };

await scene(async ({ start, run }) => {
  const greeter = unique("greeter");
  await start(`${hello}service.js`, ["--server=xrpc", `--server_name=${greeter}`], env);
  await run(`${hello}client.js`, ["--client=xrpc", greeter], env);
});
