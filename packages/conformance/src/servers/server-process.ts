import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A real server that a test started, on free ports of 127.0.0.1 and with its data in a temporary folder. */
export interface ServerProcess extends AsyncDisposable {
  /** `host:port` for clients, the same for the server's whole life. */
  readonly address: string;
  readonly pid: number;
  /** SIGTERM. Resolves when the process has ended; when none runs, at once. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process has ended; when none runs, at once. */
  kill(): Promise<void>;
  /** Starts it again on the same ports, after `stop` or `kill`; with the same data unless `empty`. */
  start(options?: { empty?: boolean }): Promise<void>;
}

export interface ServerProgram {
  /** The program's path, as `requireBinary` found it. */
  path: string;
  /** How many ports it needs, or which it shall have; the first is that of `address`. */
  ports: number | readonly number[];
  args(ports: readonly number[], dataFolder: string): readonly string[];
  /** Variables beside those of this process. */
  env?(ports: readonly number[], dataFolder: string): Readonly<Record<string, string>>;
  /** Rejects while the server at `address` can't be used yet. */
  probe(address: string): Promise<unknown>;
  /** Makes the data folder's contents, where the server doesn't do it itself. Called before a start with an empty one. */
  initialise?(dataFolder: string): Promise<void>;
  /** The user that the program runs as, and that its folder belongs to. @default this process's */
  runAs?: { readonly uid: number; readonly gid: number };
  /** What it writes when it ends because the one before, which was killed, isn't quite gone: it is started again. */
  notYet?: RegExp;
  /** Limit of one start, in milliseconds. @default 30_000 */
  startTimeoutMs?: number;
}

/**
 * Starts `program` and waits until it can be used. It ends when it is disposed of, and with this process.
 * @throws Error with the last lines it wrote, when it ends early or can't be used in time.
 */
export async function startServerProcess(program: ServerProgram): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "ts-micro-server-"));
  const data = join(folder, "data");
  const { runAs } = program;
  if (runAs !== undefined) await chown(folder, runAs.uid, runAs.gid);
  const ports = typeof program.ports === "number" ? await freePorts(program.ports) : program.ports;
  const address = `127.0.0.1:${ports[0]}`;
  let child: ChildProcess | undefined;

  async function start({ empty = false } = {}): Promise<void> {
    if (child !== undefined) throw new Error(`the server on ${address} runs already`);
    if (empty) await rm(data, { recursive: true, force: true });
    if (!existsSync(data)) await program.initialise?.(data);
    const stopAt = performance.now() + (program.startTimeoutMs ?? 30_000);
    for (;;) {
      const failure = await startOnce(stopAt);
      if (failure === undefined) return;
      if (program.notYet?.test(failure) !== true || performance.now() > stopAt) throw new Error(failure);
      await pause(200);
    }
  }

  /** Why it can't be used, with what it wrote. */
  async function startOnce(stopAt: number): Promise<string | undefined> {
    const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
    const env = { ...process.env, ...program.env?.(ports, data) };
    const started = spawn(program.path, program.args(ports, data), { stdio, env, ...runAs });
    child = started;
    let ended: string | undefined;
    started.once("error", (error) => (ended = error.message));
    started.once("exit", (code, signal) => (ended = `it ended with ${signal ?? code}`));
    let output = "";
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-4_000)));
    }
    for (;;) {
      const failure = await program.probe(address).then(
        () => undefined,
        (error) => String(error),
      );
      if (failure === undefined && ended === undefined) return undefined;
      if (ended !== undefined || performance.now() > stopAt) {
        const reason = ended ?? failure;
        await end("SIGKILL");
        return `${program.path} can't be used on ${address}: ${reason}\n${output}`;
      }
      await pause(50);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const present = child;
    if (present === undefined) return;
    if (present.pid !== undefined && present.exitCode === null && present.signalCode === null) {
      const exited = once(present, "exit");
      present.kill(signal);
      await exited;
    }
    if (child === present) child = undefined;
  }

  const endWithUs = (): void => void child?.kill("SIGKILL");
  process.once("exit", endWithUs);
  const dispose = async (): Promise<void> => {
    await end("SIGKILL");
    process.removeListener("exit", endWithUs);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    address,
    get pid() {
      if (child?.pid === undefined) throw new Error(`the server on ${address} doesn't run`);
      return child.pid;
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    start,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Servers that form a cluster. */
export interface ServerCluster extends AsyncDisposable {
  readonly members: readonly ServerProcess[];
  readonly addresses: readonly string[];
}

/**
 * Waits for all members: most can be used only once they have found each other.
 * @throws Error of the first that doesn't start; the others are ended then
 */
export async function startCluster(starting: readonly Promise<ServerProcess>[]): Promise<ServerCluster> {
  const settled = await Promise.allSettled(starting);
  const members = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const dispose = async (): Promise<void> => {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  };
  const failed = settled.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await dispose();
    throw failed.reason;
  }
  return { members, addresses: members.map(({ address }) => address), [Symbol.asyncDispose]: dispose };
}

/** Ports that were free a moment ago: the system gives the same ones again only after all others. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, "close");
      if (address === null || typeof address === "string") throw new Error("no port");
      return address.port;
    }),
  );
}
