import { scene, unique } from "../../scripts/scene.mjs";

await scene(async ({ start, run }) => {
  for (const protocol of ["mucp", "grpc"]) {
    const greeter = unique("greeter");
    await start("dist/src/service.js", [`--server_name=${greeter}`, `--server=${protocol}`]);
    await run("dist/src/client.js", [`--client=${protocol}`, greeter]);
  }
});
