import { scene, unique } from "../../scripts/scene.mjs";

await scene(async ({ start, run }) => {
  const greeter = unique("greeter");
  await start("dist/src/service.js", [`--server_name=${greeter}`]);
  await run("dist/src/client.js", [greeter]);
});
