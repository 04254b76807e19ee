import type { PluginConfig } from "ts-micro/plugin";
import { newClient } from "./client.ts";
import { newServer } from "./server.ts";

export { newClient, newServer };

export const Plugin: PluginConfig[] = [
  { name: "xrpc", type: "client", path: "./index.js", newFunc: newClient },
  { name: "xrpc", type: "server", path: "./index.js", newFunc: newServer },
];
