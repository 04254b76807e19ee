/**
 * Programs that run as processes of their own, as users start them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface ChildOptions {
  /** The program's text; `newService` and `newRecorder` are there. */
  source: string;
  argv?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export interface Child {
  readonly process: ChildProcess;
  /** Resolves once the text was on stdout, with all that was. */
  printed(text: string): Promise<string>;
  /** Resolves at the end of the process. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that is there until the test ends. */
export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-service-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function startChild(t: TestContext, options: ChildOptions): Child {
  const file = join(scratch(t), "program.mjs");
  const imports = [
    `import { newService } from ${JSON.stringify(new URL("../../src/service.js", import.meta.url).href)};`,
    `import { newRecorder } from ${JSON.stringify(new URL("./recorder.js", import.meta.url).href)};`,
  ];
  writeFileSync(file, [...imports, options.source].join("\n"));
  const child = spawn(process.execPath, [file, ...(options.argv ?? [])], {
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));

  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    process: child,
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stdout.includes(text)) return;
          waiting.delete(look);
          resolve(stdout);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without printing ${text}: ${stdout}${stderr}`)));
      }),
  };
}

export function runChild(t: TestContext, options: ChildOptions): Promise<Ended> {
  return startChild(t, options).ended;
}
