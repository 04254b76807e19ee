/** The command as users start it, and what it is tried on. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Context, newService, notFound, type Service, type ServiceOptions, stream } from "ts-micro";

/** This file runs in `packages/cli/dist/test`. */
const root = fileURLToPath(new URL("../../../../", import.meta.url));

export const bin = join(root, "packages/cli/bin/micro.js");

/** The example's client and server with a protocol of their own, as a plugin. */
export const xrpc = join(root, "examples/05-xrpc/dist/src/index.js");

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Surroundings {
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/** Runs `micro` in a process of its own, with no other variables than these. */
export function micro(args: readonly string[], { env, cwd = tmpdir() }: Surroundings = {}): Promise<Ran> {
  const { PATH, HOME } = process.env;
  const options = { cwd, env: { PATH, HOME, ...env }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

export interface Greeter extends Service {
  /** Resolves with the context of the first call of `Sleep`, which ends only when it is told to. */
  readonly asleep: Promise<Context>;
}

/** A service with the default parts that runs until the test ends, under a name of its own. */
export async function startGreeter(t: TestContext, options: ServiceOptions = {}): Promise<Greeter> {
  const service = newService({
    name: `greeter-${randomUUID()}`,
    address: "127.0.0.1:0",
    drain: { propagationMs: 0 },
    argv: [],
    env: { MICRO_LOG_LEVEL: "fatal" },
    ...options,
  });
  t.after(() => service.stop());
  let slept = (_: Context): void => {};
  const asleep = new Promise<Context>((resolve) => {
    slept = resolve;
  });
  service.handle("Greeter", {
    Hello: ({ name = "nobody" }: { name?: string }) => ({ msg: `Hello ${name}` }),
    Fail: () => {
      throw notFound("greeter", "there is no such person");
    },
    Tenant: (_: unknown, context) => context.metadata.Tenant ?? "none",
    Sleep: (_: unknown, context) => {
      slept(context);
      return new Promise((_, reject) =>
        context.signal.addEventListener("abort", () => reject(new Error("told to stop"))),
      );
    },
    Count: stream(async function* (requests: AsyncIterable<{ to?: number }>) {
      for await (const { to = 1 } of requests) for (let n = 1; n <= to; n++) yield { n };
    }),
  });
  await service.start();
  return Object.assign(service, { asleep });
}

/** A folder outside the repository that is there until the test ends. */
export function scratch(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "ts-micro-cli-")));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An address at which nobody listens. */
export function deadAddress(): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : undefined;
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });
}

/** Text of a plugin whose registry knows the service `fixed`, with a node at each of its addresses. */
export const fixedRegistry = `
export function newRegistry({ addresses = [] }) {
  const nodes = addresses.map((address, index) => ({ id: "fixed-" + index, address, metadata: { protocol: "mucp" } }));
  const fixed = { name: "fixed", version: "7", metadata: {}, endpoints: [], nodes };
  return {
    name: "fixed",
    register: async () => {},
    deregister: async () => {},
    getService: async (name) => (name === "fixed" ? [fixed] : []),
    listServices: async () => [fixed],
    watch: async () => ({
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    }),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
export const Plugin = { name: "fixed", type: "registry", path: "here", newFunc: newRegistry };
`;
