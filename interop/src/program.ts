import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Ends what hangs. Nothing here needs a tenth of it. */
const limitMs = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. One that takes longer than a minute is killed, and has the code null.
 *
 * @param input what it reads on stdin
 */
export async function run(
  path: string,
  args: readonly string[],
  input = "",
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const child = start(path, args, env);
  // A program that ends without having read it all says by its code how that went.
  child.stdin?.on("error", () => {}).end(input);
  const printed = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  try {
    const [code] = await once(child, "close");
    return { code: code as number | null, ...printed() };
  } finally {
    clearTimeout(timer);
  }
}

/** A program that serves until it is stopped. */
export interface Running extends AsyncDisposable {
  /** What `ready` matched. */
  readonly match: RegExpExecArray;
  /** Everything it has printed so far. */
  printed(): { stdout: string; stderr: string };
  /** What it prints on stdout from now on, line by line; ends with it. */
  lines(): AsyncIterator<string>;
  /** Gives it something to read on stdin. */
  write(text: string): void;
  /** Asks it to end, with SIGTERM, and waits until it has. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a program and waits until it prints what `ready` matches, on either output.
 * @throws Error with its output, when it ends before that or takes longer than a minute
 */
export async function serve(
  path: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const child = start(path, args, env);
  const printed = collect(child);
  const closed = once(child, "close");
  const stop = async (signal: NodeJS.Signals = "SIGKILL"): Promise<void> => {
    child.kill(signal);
    await closed;
  };
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    const fail = (why: string): void => {
      const { stdout, stderr } = printed();
      reject(new Error(`${path} ${args.join(" ")} ${why}\n${stdout}${stderr}`));
    };
    const look = (): void => {
      const { stdout, stderr } = printed();
      const found = ready.exec(stdout) ?? ready.exec(stderr);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    };
    const timer = setTimeout(() => {
      void stop();
      fail(`did not print ${ready} within ${limitMs} ms`);
    }, limitMs);
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    closed.then(
      ([code]) => fail(`ended with code ${code} before it was ready`),
      (thrown) => fail(`could not be started: ${thrown}`),
    );
  });
  // One that ends without reading says by its silence how that went.
  child.stdin?.on("error", () => {});
  return {
    match,
    printed,
    lines: () => createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator](),
    write: (text) => void child.stdin?.write(text),
    end: () => stop("SIGTERM"),
    [Symbol.asyncDispose]: () => stop(),
  };
}

function start(path: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(path, args, { stdio: "pipe", env: { ...process.env, ...env } });
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
    });
  }
  return () => printed;
}
