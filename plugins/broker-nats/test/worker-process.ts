import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** `worker.ts` in a process of its own. */
export interface WorkerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Ids whose handler has begun, and ended; once for each time it did. */
  readonly begun: number[];
  readonly ended: number[];
  /** Resolves with the exit code, when all that it printed has arrived. */
  readonly exited: Promise<number | null>;
}

export function startWorker(address: string, env: Readonly<Record<string, string>>): WorkerProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL("worker.js", import.meta.url))], {
    env: {
      ...process.env,
      MICRO_BROKER: "nats",
      MICRO_BROKER_ADDRESS: address,
      MICRO_NATS_JETSTREAM: "true",
      MICRO_NATS_JETSTREAM_ACK_WAIT: "1s",
      MICRO_SERVER_ADDRESS: "127.0.0.1:0",
      MICRO_LOG_LEVEL: "error",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const begun: number[] = [];
  const ended: number[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [what, id] = line.split(" ");
      if (what === "begun") begun.push(Number(id));
      if (what === "ended") ended.push(Number(id));
    }
  });
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    begun,
    ended,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
