import { scene, unique } from "../../scripts/scene.mjs";

await scene(async ({ start, run }) => {
  const topic = unique("user.created");
  const mailers = [
    await start("dist/src/subscriber.js", [topic, `--server_name=${unique("mailer")}`]),
    await start("dist/src/subscriber.js", [topic, `--server_name=${unique("mailer")}`]),
  ];
  await run("dist/src/publisher.js", [topic]);
  for (const name of ["Ada", "Grace", "Hedy"]) {
    await Promise.any(mailers.map((mailer) => mailer.saysLine(`a letter to ${name}`)));
  }
});
