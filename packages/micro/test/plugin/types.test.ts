/**
 * What the compiler must refuse. Each program is compiled by the real compiler against the real sources' types.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { packageFolder, temporaryFolder, writeFiles } from "./support.ts";

const folder = temporaryFolder();

const programs: Record<string, { text: string; errors: RegExp[] }> = {
  "a whole shape compiles": {
    text: `const shape: Shape<Thing> = { name: "string", run: "promise", stop: "method", size: "value", extra: "method?", [Symbol.asyncDispose]: "promise" };`,
    errors: [],
  },
  "a member without its descriptor doesn't": {
    text: `const shape: Shape<Thing> = { name: "string", run: "promise", size: "value", extra: "method?", [Symbol.asyncDispose]: "promise" };`,
    errors: [/Property 'stop' is missing/],
  },
  "nor does an optional member without one": {
    text: `const shape: Shape<Thing> = { name: "string", run: "promise", stop: "method", size: "value", [Symbol.asyncDispose]: "promise" };`,
    errors: [/Property 'extra' is missing/],
  },
  "nor a symbol without one": {
    text: `const shape: Shape<Thing> = { name: "string", run: "promise", stop: "method", size: "value", extra: "method?" };`,
    errors: [/Property '\[Symbol\.asyncDispose\]' is missing/],
  },
  "a descriptor without its member doesn't": {
    text: `const shape: Shape<Thing> = { name: "string", run: "promise", stop: "method", size: "value", extra: "method?", more: "method", [Symbol.asyncDispose]: "promise" };`,
    errors: [/'more' does not exist in type/],
  },
  "a descriptor of the wrong kind doesn't": {
    text: `const shape: Shape<Thing> = { name: "value", run: "method", stop: "promise", size: "string", extra: "method", [Symbol.asyncDispose]: "promise" };`,
    errors: [
      /"value"' is not assignable to type '"string"'/,
      /"method"' is not assignable to type '"promise"'/,
    ],
  },
  "a member that is added to a real interface doesn't": {
    text: `interface Wider extends Broker { pause(): void } const shape: Shape<Wider> = brokerShape;`,
    errors: [/Property 'pause' is missing/],
  },
  "a plugin of the right kind compiles": {
    text: `export const Plugin: PluginConfig<"broker"> = { name: "x", type: "broker", newFunc: makeBroker };
export const Any: PluginConfig = { name: "x", type: "client", newFunc: makeClient };`,
    errors: [],
  },
  "a broker plugin with a client's factory doesn't": {
    text: `export const Plugin: PluginConfig<"broker"> = { name: "x", type: "broker", newFunc: makeClient };`,
    errors: [/is not assignable to type/],
  },
  "nor when the kind is left open": {
    text: `export const Plugin: PluginConfig = { name: "x", type: "broker", newFunc: makeClient };`,
    errors: [/is not assignable to type/],
  },
  "nor a plugin of a kind that doesn't exist": {
    text: `export const Plugin: PluginConfig = { name: "x", type: "auth", newFunc: makeClient };`,
    errors: [/"auth"' is not assignable to type/],
  },
  "nor an asynchronous factory": {
    text: `export const Plugin: PluginConfig<"broker"> = { name: "x", type: "broker", newFunc: async () => makeBroker({}) };`,
    errors: [/Type 'Promise<Broker>' is (missing|not assignable)/],
  },
};

const head = `import { type Broker, type BrokerOptions, brokerShape } from "ts-micro/broker";
import type { Client, ClientOptions } from "ts-micro/client";
import type { PluginConfig } from "ts-micro/plugin";
import type { Shape } from "./shape.js";
interface Thing extends AsyncDisposable { readonly name: string; run(): Promise<void>; stop(): void; size: number; extra?(): void }
declare function makeBroker(options: BrokerOptions): Broker;
declare function makeClient(options: ClientOptions): Client;
`;

test("the compiler holds shapes to interfaces, and plugins to their kind", async () => {
  const names = Object.keys(programs);
  for (const [index, name] of names.entries()) {
    writeFiles(folder, { [`program${index}.ts`]: `${head}${programs[name]!.text}\nexport {};\n` });
  }
  writeFiles(folder, {
    "node_modules/.keep": "",
    // No subpath exports it.
    "shape.ts": `export type { Shape } from ${JSON.stringify(join(packageFolder, "dist/src/shape.js"))};`,
    "package.json": { type: "module" },
    "tsconfig.json": {
      compilerOptions: {
        target: "es2022",
        lib: ["es2023", "esnext.disposable"],
        module: "nodenext",
        types: ["node"],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        exactOptionalPropertyTypes: true,
      },
      include: ["*.ts"],
    },
  });
  symlinkSync(packageFolder, join(folder, "node_modules/ts-micro"));
  symlinkSync(dirname(dirname(nodeTypes())), join(folder, "node_modules/@types"));
  const output = await compile();
  for (const [index, name] of names.entries()) {
    const lines = output.split("\n").filter((line) => line.startsWith(`program${index}.ts`));
    const own = lines.map((line) => output.slice(output.indexOf(line)).split(/\nprogram/)[0]).join("\n");
    const { errors } = programs[name]!;
    if (errors.length === 0) assert.equal(own, "", name);
    for (const error of errors) assert.match(own, error, name);
  }
});

function nodeTypes(): string {
  return createRequire(import.meta.url).resolve("@types/node/package.json");
}

function compile(): Promise<string> {
  const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(compiler), "bin/tsc");
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [tsc, "-p", folder, "--pretty", "false"],
      { cwd: folder },
      (_error, out, err) => resolve(out + err),
    );
  });
}
