import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** In the order in which they are loaded: small and large ones, from 25 KB to 1.3 MB. */
const names = [
  "client-brpc",
  "server-brpc",
  "client-grpc",
  "server-grpc",
  "broker-nats",
  "broker-redis",
  "broker-mqtt",
  "registry-consul",
  "registry-etcd",
  "registry-nats",
];

/** Builds plugins of ours into `folder`, as users do. Gives the files. */
export function buildPlugins(folder: string): string[] {
  return names.map((name) => {
    const file = join(folder, `${name}.mjs`);
    const command = ["packages/cli/bin/micro.js", "plugin", "build", `./plugins/${name}`, "-o", file];
    const { status, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`${command.join(" ")} failed\n${stderr}`);
    return file;
  });
}
