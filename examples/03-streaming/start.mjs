import { scene, unique } from "../../scripts/scene.mjs";

await scene(async ({ start, run }) => {
  const counter = unique("counter");
  await start("dist/src/service.js", [`--server_name=${counter}`]);
  await run("dist/src/client.js", [counter]);
});
