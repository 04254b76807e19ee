/**
 * What somebody does who knows only the published packages: an empty project with ts-micro in it, and a plugin
 * that was built elsewhere.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { after, before, test } from "node:test";
import { pack } from "../pack.mjs";
import { filesBelow, readManifest, root } from "../workspace.mjs";

const scratch = mkdtempSync(join(tmpdir(), "ts-micro-new-user-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The project that has only ts-micro. */
const app = join(scratch, "app");
/** Where nothing but a plugin's file lies. */
const plugin = join(scratch, "alone/xrpc.mjs");

/** Serves, and calls itself: over the network, with whatever parts are chosen. */
const program = (imports) => `${imports}
const service = newService({ name: "greeter", address: "127.0.0.1:0", drain: { propagationMs: 0 } });
service.handle("Greeter", {
  Hello: ({ name }) => ({ msg: \`Hello \${name}\` }),
  Fail: () => { throw notFound("greeter", "nobody"); },
});
service.run(async () => {
  const call = (endpoint) => service.client.call({ service: "greeter", endpoint, body: { name: "John" } });
  const { msg } = await call("Greeter.Hello");
  const error = await call("Greeter.Fail").catch((error) => error);
  console.log(service.client.name, service.server.name, msg, error instanceof MicroError, error.code, error.detail);
});
`;

before(async () => {
  const micro = await pack("packages/micro", scratch);
  // The command, and those of ours that it depends on.
  const cli = await Promise.all(
    [
      "packages/cli",
      "packages/service-wire",
      "packages/grpc-wire",
      "plugins/client-grpc",
      "plugins/server-grpc",
    ].map((folder) => pack(folder, scratch)),
  );

  const maker = project("maker", micro, ...cli);
  cpSync(join(root, "examples/05-xrpc/src"), join(maker, "src"), { recursive: true });
  succeeds(maker, join(maker, "node_modules/.bin/micro"), ["plugin", "build", "src/index.ts", "-o", plugin]);
  rmSync(maker, { recursive: true });

  project("app", micro);
  write(app, {
    "greeter.mjs": program('import { MicroError, newService, notFound } from "ts-micro";'),
    "greeter.cjs": program('const { MicroError, newService, notFound } = require("ts-micro");'),
  });
});

test("the project has ts-micro and nothing else, the plugin's folder only its file", () => {
  assert.deepEqual(
    readdirSync(join(app, "node_modules"))
      .filter((name) => !name.startsWith("."))
      .sort(),
    ["ts-micro"],
  );
  assert.deepEqual(readdirSync(join(scratch, "alone")).sort(), ["xrpc.mjs", "xrpc.mjs.map"]);
});

for (const file of ["greeter.mjs", "greeter.cjs"]) {
  test(`${file}: the plugin is chosen by variable and flag, and the default without`, () => {
    const [xrpc, memory] = [["--client=xrpc", "--server=xrpc"], "--registry=memory"];
    const answer = "Hello John true 404 nobody\n";
    const run = (args, env) => succeeds(app, process.execPath, [file, memory, ...args], env);
    assert.equal(run([]), `mucp mucp ${answer}`);
    assert.equal(run(xrpc, { MICRO_PLUGIN: plugin }), `xrpc xrpc ${answer}`);
    assert.equal(run([...xrpc, "--plugin", "../alone/xrpc.mjs"]), `xrpc xrpc ${answer}`);
    assert.match(
      run(["--help", `--plugin=${plugin}`]),
      /--client value +Client for go-micro; mucp, xrpc {2}\[\$MICRO_CLIENT\]\n/,
    );
  });
}

test("all subpaths of the package share its modules, in whatever order they are imported", () => {
  const program = (specifiers) => `
const seen = new Map();
const differ = [];
for (const specifier of ${JSON.stringify(specifiers)}) {
  for (const [name, value] of Object.entries(await import(specifier))) {
    const known = seen.get(name) ?? value;
    seen.set(name, value);
    if (known !== value) differ.push(specifier + " " + name);
  }
}
const { newService, isBuiltIn, tables, MicroError, notFound, load } = Object.fromEntries(seen);
const { transport } = newService({ transport: (options) => tables.transport.memory(options) });
const refused = await transport.dial("nobody", {}).catch((error) => error);
console.log(differ, isBuiltIn(tables.broker.http), refused instanceof MicroError, notFound("a", "b") instanceof MicroError);
console.log(await load("./none.mjs").catch((error) => error.code));
`;
  const { exports } = readManifest(join(root, "packages/micro"));
  const specifiers = Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => posix.join("ts-micro", subpath));
  for (const order of [specifiers, specifiers.toReversed()]) {
    const printed = succeeds(app, process.execPath, ["--input-type=module", "-e", program(order)]);
    assert.equal(printed, "[] true true true\nPLUGIN_NOT_FOUND\n");
  }
});

test("the package is a few modules that read as they were written", () => {
  const folder = join(app, "node_modules/ts-micro");
  const modules = filesBelow(folder).filter((file) => file.endsWith(".js"));
  assert.ok(modules.length < 30, modules.join(" "));
  const unpacked = filesBelow(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  assert.ok(unpacked < 2 ** 20, `${unpacked} bytes`);
  const core = readFileSync(join(folder, "dist/src/core.js"), "utf8");
  assert.match(core, /\nfunction parseDuration\(text\) \{\n/);
  assert.ok(core.includes("/** Go's `Duration.String`"));
});

test("the types are sound in strict mode, those of the package included", () => {
  const { exports } = readManifest(join(root, "packages/micro"));
  const subpaths = Object.keys(exports).filter((subpath) => subpath !== "./package.json");
  write(app, {
    "all.ts": subpaths
      .map((subpath, index) => `export * as all${index} from "${posix.join("ts-micro", subpath)}";\n`)
      .join(""),
    "greeter.ts": `import { newService } from "ts-micro";
import type { PluginConfig } from "ts-micro/plugin";
const service = newService({ name: "greeter" });
service.handle("Greeter", { Hello: async (request: { name: string }) => ({ msg: request.name }) });
export const code: number = await service.run();
// @ts-expect-error a broker's factory is no client's
export const Plugin: PluginConfig<"client"> = { name: "x", type: "client", newFunc: () => service.broker };
`,
    "greeter.cts": `import micro = require("ts-micro");
export const name: string = micro.newService({ name: "greeter" }).options.name;
`,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "es2022",
        module: "nodenext",
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
        typeRoots: [join(root, "node_modules/@types")],
        types: ["node"],
      },
    }),
  });
  succeeds(app, process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", app]);
});

/** An empty project with these packages installed, as their users would. */
function project(name, ...packages) {
  const folder = join(scratch, name);
  write(folder, { "package.json": JSON.stringify({ name, private: true, type: "module" }) });
  const tarballs = packages.map(({ tarball }) => tarball);
  succeeds(folder, "npm", [
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    ...tarballs,
  ]);
  return folder;
}

function write(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function succeeds(cwd, command, args, env = {}) {
  const { stdout, stderr, status } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
