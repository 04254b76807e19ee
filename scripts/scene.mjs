/**
 * Starts the programs of an example as processes of their own and ends them again.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { relative, sep } from "node:path";

/** Nothing in an example takes as long. */
const limitMs = 60_000;

/**
 * Plays a scene. `start` begins a service and resolves with it after its first line on stdout; `run` resolves
 * after a program ended well. Both print the command and what it writes. Services are ended last, in reverse order.
 *
 *     await scene(async ({ start, run }) => {
 *       await start("dist/src/service.js", ["--server_name=greeter"]);
 *       await run("dist/src/client.js", []);
 *     });
 */
export async function scene(play) {
  const services = [];
  try {
    await play({
      async start(file, args, env) {
        const service = launch(file, args, env);
        services.push(service);
        await service.saysLine("");
        return service;
      },
      async run(file, args, env) {
        const program = launch(file, args, env);
        const code = await program.ended;
        if (code !== 0) throw new Error(`${program.title} ended with ${code}`);
      },
    });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
  for (const service of services.reverse()) {
    const code = await service.stop();
    if (code === 0) continue;
    console.error(`${service.title} ended with ${code}`);
    process.exitCode = 1;
  }
}

function isBelowHere(path) {
  return path.startsWith(process.cwd() + sep);
}

/** A name that no other run uses: names of services are seen by the whole network. */
export function unique(name) {
  return `${name}-${randomBytes(3).toString("hex")}`;
}

function launch(file, args, env = {}) {
  const shown = (text) => (isBelowHere(text) ? relative(process.cwd(), text) : text);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${shown(value)} `);
  const title = `${variables.join("")}node ${[file, ...args].map(shown).join(" ")}`;
  console.log(`$ ${title}`);

  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  const watchers = new Set();
  child.stdout.setEncoding("utf8").on("data", (text) => {
    process.stdout.write(text);
    printed += text;
    for (const check of watchers) check();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  ended.then(() => clearTimeout(timer));

  return {
    title,
    /** Resolves with the exit code, or with what else ended it. */
    ended,
    /** Resolves when a line that contains `text` is on stdout; rejects when the program ends before. */
    saysLine(text) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const lines = printed.split("\n").slice(0, -1);
          if (lines.some((line) => line.includes(text))) resolve();
        };
        watchers.add(check);
        check();
        ended.then((code) => reject(new Error(`${title} ended with ${code} before it said "${text}"`)));
      });
    },
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
