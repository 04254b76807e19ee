import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RetryWorker extends AsyncDisposable {
  /** How many attempts its handler has begun. */
  attempts(): number;
  /** SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
}

/** A service in a process of its own whose handler always fails. Resolves when it has subscribed. */
export async function startRetryWorker(setup: {
  env: Readonly<Record<string, string>>;
  topic: string;
  queue: string;
}): Promise<RetryWorker> {
  const { env, topic, queue } = setup;
  const program = fileURLToPath(new URL("./retry-worker-process.js", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program, topic, queue], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let attempts = 0;
  await new Promise<void>((resolve, reject) => {
    if (child.stdout === null) throw new Error("no stdout");
    createInterface(child.stdout).on("line", (line) => {
      if (line === "ready") resolve();
      else if (line === "attempt") attempts++;
    });
    void exited.then(([code]) => reject(new Error(`the worker ended with ${code} before it was ready`)));
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return { attempts: () => attempts, kill, [Symbol.asyncDispose]: kill };
}
