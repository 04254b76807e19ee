/**
 * Plays the consoles of a document: starts its programs as a reader would, in a network of their own.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspace.mjs";

/** Ends what hangs. */
const limitMs = 60_000;

/**
 * Runs the commands in their order in `cwd`, where the compiled modules are. A command that ends with `&` goes on in the
 * background until all lines have come; it has to end well then. `echo $?` prints how the one before ended, and
 * without it that must be 0.
 */
export async function play({ commands, prints }, cwd) {
  const preload = ownNetwork(cwd);
  const printed = [];
  const background = [];
  let code = 0;
  try {
    for (const [index, { line, env, program, args, background: stays }] of commands.entries()) {
      if (program === "echo") {
        assert.deepEqual(args, ["$?"], `${line}: only echo $? is understood`);
        printed.push(String(code));
        continue;
      }
      const child = launch({ preload, cwd, env, program, args, printed });
      if (stays) {
        background.push(child);
        await child.registered;
        continue;
      }
      code = await child.ended;
      if (commands[index + 1]?.program !== "echo") assert.equal(code, 0, `${line}\n${printed.join("\n")}`);
    }
    await until(() => printed.length >= prints.length);
  } finally {
    for (const child of background) child.stop();
  }
  for (const child of background) assert.equal(await child.ended, 0, `${child.title}\n${printed.join("\n")}`);
  const left = [...printed];
  // Programs that run at the same time print in any order.
  const missing = prints.filter((line) => {
    const found = left.findIndex((each) => isLike(each, line));
    if (found !== -1) left.splice(found, 1);
    return found === -1;
  });
  assert.deepEqual({ missing, unexpected: left }, { missing: [], unexpected: [] });
}

/** `…` stands for any text. */
function isLike(text, pattern) {
  const parts = pattern.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

/**
 * A module that gives the default registry a domain of its own, so that nobody else on the network is met, and
 * that says when a service is registered. The programs themselves stay as they are in the document.
 */
function ownNetwork(cwd) {
  const domain = `d${randomBytes(4).toString("hex")}`;
  const file = join(cwd, `${domain}.mjs`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(
    file,
    `import { defaultRegistries } from "ts-micro/cmd";
import { newMdnsRegistry } from "ts-micro/registry";

defaultRegistries.mdns = (options) => {
  const registry = newMdnsRegistry({ ...options, domain: "${domain}", timeoutMs: 3_000 });
  const register = registry.register.bind(registry);
  registry.register = async (service, options) => {
    await register(service, options);
    if (service.name !== "micro.http.broker") process.send?.("registered");
  };
  return registry;
};
`,
  );
  return pathToFileURL(file).href;
}

function launch({ preload, cwd, env, program, args, printed }) {
  const command =
    program === "micro"
      ? [join(root, "packages/cli/bin/micro.js"), ...args]
      : args.map((arg) => arg.replace(/\.([mc]?)ts$/, ".$1js"));
  const { PATH, HOME, SystemRoot } = process.env;
  const child = spawn(process.execPath, ["--import", preload, ...command], {
    cwd,
    env: { PATH, HOME, SystemRoot, MICRO_SERVER_ADDRESS: "127.0.0.1:0", MICRO_LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const title = [program, ...args].join(" ");
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      printed.push(...lines.filter((line) => line !== ""));
    });
  }
  const ended = new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve(signal ?? code);
    });
  });
  const registered = new Promise((resolve, reject) => {
    child.once("message", resolve);
    ended.then((code) => reject(new Error(`${title} ended with ${code}\n${printed.join("\n")}`)));
  });
  registered.catch(() => undefined);
  return { title, ended, registered, stop: () => child.kill("SIGTERM") };
}

async function until(isTrue) {
  const started = performance.now();
  while (!isTrue() && performance.now() - started < limitMs)
    await new Promise((done) => setTimeout(done, 20));
}
