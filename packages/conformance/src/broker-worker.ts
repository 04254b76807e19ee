import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Inbox, newInbox } from "./inbox.ts";

export interface BrokerWorkerOptions {
  /** Choose and set the broker, such as `MICRO_BROKER` and `MICRO_BROKER_ADDRESS`. */
  env: Readonly<Record<string, string>>;
  topic: string;
  queue: string;
  maxInFlight: number;
}

/** A service in a process of its own, whose handlers of messages (numbers, as JSON) end only when it is told to stop. */
export interface BrokerWorker extends AsyncDisposable {
  /** What its handlers were given. */
  readonly begun: Inbox<number>;
  /** What its handlers have finished. */
  readonly done: Inbox<number>;
  /** SIGTERM, or SIGKILL. Resolves with the exit code, which is null after SIGKILL. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

/** Resolves when it has subscribed. */
export async function startBrokerWorker(options: BrokerWorkerOptions): Promise<BrokerWorker> {
  const { env, topic, queue, maxInFlight } = options;
  const program = fileURLToPath(new URL("./broker/worker.js", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program, topic, queue, String(maxInFlight)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [begun, done] = [newInbox<number>(60_000), newInbox<number>(60_000)];
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const ready = new Promise<void>((resolve, reject) => {
    if (child.stdout === null) throw new Error("no stdout");
    createInterface(child.stdout).on("line", (line) => {
      const [what, id] = line.split(" ");
      if (what === "ready") resolve();
      else if (what === "begun") begun.add(Number(id));
      else if (what === "done") done.add(Number(id));
    });
    void exited.then((code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
  });
  const worker: BrokerWorker = {
    begun,
    done,
    end(signal) {
      child.kill(signal);
      return exited;
    },
    async [Symbol.asyncDispose]() {
      await worker.end("SIGKILL");
    },
  };
  await ready;
  return worker;
}
