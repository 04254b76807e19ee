import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scene } from "../../scripts/scene.mjs";

const folder = await mkdtemp(join(tmpdir(), "ts-micro-example-"));
try {
  await scene(async ({ run }) => {
    console.log("in memory");
    for (let times = 0; times < 2; times++) await run("dist/src/visits.js", ["Ada"]);
    console.log("in a file");
    const file = ["--store=file", `--store_address=${folder}`];
    await run("dist/src/visits.js", ["Ada", "Grace", ...file]);
    await run("dist/src/visits.js", ["Ada", ...file]);
  });
} finally {
  await rm(folder, { recursive: true });
}
