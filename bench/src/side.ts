import { type ChildProcess, fork, spawn } from "node:child_process";
import { join } from "node:path";
import { contenderNamed } from "./contenders/index.ts";
import { type GoMicro, goProgram } from "./go-micro.ts";
import type { Place } from "./place.ts";

/** Starts one of a contender's two processes, which answers its parent's orders by IPC as `process.ts` says. */
export function startServer(contender: string, place: Place): ChildProcess {
  return start("server", contenderNamed(contender).sides?.server ?? contender, "", place);
}

/** @param address where its server is */
export function startClient(contender: string, address: string, place: Place): ChildProcess {
  return start("client", contenderNamed(contender).sides?.client ?? contender, address, place);
}

function start(
  role: "server" | "client",
  contender: string,
  address: string,
  { node, folder }: Place,
): ChildProcess {
  const env = { ...process.env, NODE_ENV: "production" };
  const { go } = contenderNamed(contender);
  if (go !== undefined) return startGo(go, { ...env, ADDRESS: address, MICRO_LOG_LEVEL: "error" });
  // So that bytes may be a part of an order.
  const options = { execPath: node, env, serialization: "advanced" } as const;
  return fork(join(folder, "dist/src/process.js"), [role, contender, address], options);
}

/** Orders and reports are lines of JSON. It is told addresses, and shall disturb no registry of this machine. */
function startGo({ module, flags }: GoMicro, env: NodeJS.ProcessEnv): ChildProcess {
  const own = ["--registry=memory", "--server_address=127.0.0.1:0", ...flags];
  return spawn(goProgram({ module }).path, own, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
}
