import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newPlugin } from "ts-micro/plugin";

const folder = await mkdtemp(join(tmpdir(), "article-"));
const plugin = newPlugin();

// Go: p.Build("/tmp/test.so", &plugin.Config{Name: "client", Type: "client", Path: "…/client", NewFunc: "NewClient"})
await plugin.build(join(folder, "test.so"), {
  name: "client",
  type: "client",
  path: "ts-micro/client",
  newFunc: "newClient",
});

const config = await plugin.load(join(folder, "test.mjs"));
console.log(`name     ${config.name}`);
console.log(`type     ${config.type}`);
console.log(`path     ${config.path}`);
console.log(`newFunc  ${config.newFunc.name}`);

await rm(folder, { recursive: true });
