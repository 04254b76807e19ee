import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UsageError } from "../../src/errors.ts";
import { load, loadAll, open, PluginError, type PluginErrorCode } from "../../src/plugin/index.ts";
import { brokerFactory, brokerPlugin, temporaryFolder, withEnvironment, writeFiles } from "./support.ts";

const folder = temporaryFolder();
const at = (path: string): string => join(folder, path);

test("every form that a module can have gives its Plugin", async () => {
  const config = '{ name: "form", type: "broker", path: "p", newFunc() {} }';
  const forms: Record<string, string> = {
    "esm.mjs": `export const Plugin = ${config};`,
    "default.mjs": `export default ${config};`,
    "default-holder.mjs": `export default { Plugin: ${config} };`,
    "both.mjs": `export const Plugin = ${config}; export default { name: "wrong", type: "broker" };`,
    "common.cjs": `exports.Plugin = ${config};`,
    "whole.cjs": `module.exports = ${config};`,
    "opaque.cjs": `const all = {}; all["Plugin"] = ${config}; module.exports = Object.assign({}, all);`,
    "compiled.cjs": `Object.defineProperty(exports, "__esModule", { value: true }); exports.Plugin = ${config};`,
    "compiled-default.cjs": `Object.defineProperty(exports, "__esModule", { value: true }); exports.default = ${config};`,
    "compiled-opaque.cjs": `const all = { default: { Plugin: ${config} } }; module.exports = Object.assign({}, all);`,
    "on-a-function.cjs": `module.exports = function () {}; module.exports.Plugin = ${config};`,
    "module/package.json": '{ "type": "module" }',
    "module/esm.js": `export const Plugin = ${config};`,
    "common/package.json": '{ "type": "commonjs" }',
    "common/common.js": `exports.Plugin = ${config};`,
    "untyped/package.json": "{}",
    "untyped/common.js": `exports.Plugin = ${config};`,
    "untyped/esm.js": `export const Plugin = ${config};`,
  };
  writeFiles(at("forms"), forms);
  for (const file of Object.keys(forms).filter((name) => !name.endsWith(".json"))) {
    const plugin = await load(at(`forms/${file}`));
    assert.deepEqual([plugin.name, plugin.type, plugin.path], ["form", "broker", "p"], file);
  }
});

test("a list of plugins is loaded with loadAll; load names it", async () => {
  writeFiles(folder, {
    "list.mjs": `${brokerFactory()}
export const Plugin = ["one", "two"].map((name) => ({ name, type: "broker", newFunc: newBroker }));`,
    "list-of-one.mjs": `${brokerFactory()}
export default [{ name: "only", type: "broker", newFunc: newBroker }];`,
  });
  assert.deepEqual(
    (await loadAll(at("list.mjs"))).map(({ name }) => name),
    ["one", "two"],
  );
  await assert.rejects(load(at("list.mjs")), {
    code: "PLUGIN_SEVERAL",
    phase: "lookup",
    message: /^the module holds 2 plugins: broker one; broker two\. Use loadAll\./,
  });
  assert.equal((await load(at("list-of-one.mjs"))).name, "only");
  assert.equal((await loadAll(at("list-of-one.mjs"))).length, 1);
});

test("paths with blanks, #, ?, % and letters beyond ASCII work", async () => {
  const names = ["a b.mjs", "a#b.mjs", "a?b=c.mjs", "a%41b.mjs", "%.mjs", "größe-日本.mjs", "a'\"b.mjs"];
  for (const [index, name] of names.entries()) {
    writeFiles(at("o#dd ?%20é"), { [name]: brokerPlugin(`odd${index}`) });
    assert.equal((await load(at(`o#dd ?%20é/${name}`))).name, `odd${index}`, name);
  }
});

test("the same real path is the same module: through a link, and opened a hundred times at once", async () => {
  writeFiles(folder, {
    "counted.mjs": `globalThis.countedImports = (globalThis.countedImports ?? 0) + 1;
await new Promise((resolve) => setImmediate(resolve));
${brokerPlugin("counted")}`,
  });
  symlinkSync(at("counted.mjs"), at("link.mjs"));
  symlinkSync(folder, at("link-to-folder"));
  const paths = [at("counted.mjs"), at("link.mjs"), at("link-to-folder/counted.mjs")];
  const modules = await Promise.all(Array.from({ length: 100 }, (_, index) => open(paths[index % 3]!)));
  assert.equal(new Set(modules).size, 1);
  assert.equal(modules[0]!.path, at("counted.mjs"));
  assert.equal((globalThis as { countedImports?: number }).countedImports, 1);
  const again = await Promise.all(paths.map((path) => load(path)));
  assert.equal(new Set(again).size, 1);
});

test("a module of the program itself and the plugin that is loaded from it are one", async () => {
  writeFiles(folder, { "shared.mjs": brokerPlugin("shared") });
  const { Plugin } = await import(at("shared.mjs").replaceAll(" ", "%20"));
  assert.equal(await load(at("shared.mjs")), Plugin);
});

test("lookup gives any exported value, or names what there is", async () => {
  writeFiles(folder, {
    "symbols.mjs": `${brokerPlugin("symbols")} export const answer = 42; export default class Other {}`,
    "symbols.cjs": "exports.answer = 42; exports.toString = 7;",
  });
  const module = await open(at("symbols.mjs"));
  assert.equal(module.lookup("answer"), 42);
  assert.deepEqual(module.symbols, ["Plugin", "answer", "default", "newBroker"]);
  assert.match(module.sha256, /^[0-9a-f]{64}$/);
  assert.equal(module.manifest, undefined);
  assert.throws(() => module.lookup("anwser"), {
    code: "PLUGIN_SYMBOL_MISSING",
    message: /^plugin: symbol anwser not found in plugin .*symbols\.mjs: found "answer", expected "anwser"\./,
  });
  assert.throws(() => module.lookup("constructor"), { code: "PLUGIN_SYMBOL_MISSING" });
  const common = await open(at("symbols.cjs"));
  assert.deepEqual([common.lookup("answer"), common.lookup("toString")], [42, 7]);
  assert.deepEqual(common.symbols, ["answer", "toString"]);
});

test("exports are read only when they are looked up: in CommonJS that may cost, or throw", async () => {
  writeFiles(folder, {
    "lazy.cjs": `const lazy = (name, get) => Object.defineProperty(module.exports, name, { enumerable: true, get });
lazy("heavy", () => { globalThis.heavyRead = true; });
lazy("broken", () => { throw new Error("not installed"); });
lazy("Plugin", () => ({ name: "lazy", type: "broker", newFunc() {} }));`,
  });
  const module = await open(at("lazy.cjs"));
  assert.equal((await load(at("lazy.cjs"))).name, "lazy");
  assert.equal((globalThis as { heavyRead?: boolean }).heavyRead, undefined);
  assert.throws(() => module.lookup("broken"), {
    code: "PLUGIN_SYMBOL_MISSING",
    message: /^plugin: symbol broken not found in plugin .*: reading it threw not installed\./,
  });
});

test("a plugin that failed loads once it is mended, whatever was wrong", async () => {
  const broken: Record<string, [string | undefined, PluginErrorCode]> = {
    "mended-missing": [undefined, "PLUGIN_NOT_FOUND"],
    "mended-empty": ["", "PLUGIN_EMPTY"],
    "mended-syntax": ["export const Plugin = {;", "PLUGIN_SYNTAX"],
    "mended-throws": ["throw new Error('not today');", "PLUGIN_IMPORT_FAILED"],
    "mended-hangs": ["await new Promise(() => {});", "PLUGIN_IMPORT_TIMEOUT"],
    "mended-dependency": ["import 'a-package-that-is-not-there';", "PLUGIN_DEPENDENCY_MISSING"],
  };
  for (const [name, [text, code]] of Object.entries(broken)) {
    const path = at(`${name}.mjs`);
    if (text !== undefined) writeFiles(folder, { [`${name}.mjs`]: text });
    const options = { timeoutMs: name === "mended-hangs" ? 50 : 20_000 };
    for (const attempt of ["first", "second"]) {
      await assert.rejects(load(path, options), { code }, `${name}, ${attempt} attempt`);
    }
    writeFiles(folder, { [`${name}.mjs`]: brokerPlugin(name) });
    assert.equal((await load(path)).name, name);
  }
});

test("CommonJS that failed loads once it is mended", async () => {
  writeFiles(folder, { "mended.cjs": "throw new Error('no');" });
  await assert.rejects(load(at("mended.cjs")), { code: "PLUGIN_IMPORT_FAILED" });
  writeFiles(folder, { "mended.cjs": "exports.Plugin = { name: 'mended', type: 'broker', newFunc() {} };" });
  assert.equal((await load(at("mended.cjs"))).name, "mended");
});

test("the same bytes are tried again too: what they need may be there now", async () => {
  writeFiles(folder, {
    "patient.mjs": `if (!globalThis.patient) throw new Error("wait");\n${brokerPlugin("patient")}`,
  });
  await assert.rejects(load(at("patient.mjs")), { code: "PLUGIN_IMPORT_FAILED" });
  Object.assign(globalThis, { patient: true });
  assert.equal((await load(at("patient.mjs"))).name, "patient");
});

test("a dependency that failed stays failed in a Node process, and the error says so", async () => {
  writeFiles(folder, {
    "dependent.mjs": `import "./dependency.mjs";\n${brokerPlugin("dependent")}`,
    "dependency.mjs": "\n\nthrow new TypeError('broken dependency');",
  });
  await assert.rejects(load(at("dependent.mjs")), {
    code: "PLUGIN_DEPENDENCY_FAILED",
    message:
      /^a module it imports threw TypeError: broken dependency \(dependency\.mjs:3\)\. Fix that module, then start the process again/,
  });
  writeFiles(folder, { "dependency.mjs": "export {};" });
  await assert.rejects(load(at("dependent.mjs")), {
    code: "PLUGIN_DEPENDENCY_FAILED",
    message: /^a module it imports failed before, and Node keeps that: TypeError: broken dependency\./,
  });
});

test("a plugin that failed in a dependency's function is the plugin's own failure", async () => {
  writeFiles(folder, {
    "caller.mjs": `import { boom } from "./boom.mjs";\nboom();\n${brokerPlugin("caller")}`,
    "boom.mjs": "export function boom() {\n  throw new RangeError('too much');\n}",
  });
  await assert.rejects(load(at("caller.mjs")), {
    code: "PLUGIN_IMPORT_FAILED",
    message: /^importing threw RangeError: too much \(boom\.mjs:2\)\./,
  });
});

test("a syntax error is placed: in the plugin, or in what it imports", async () => {
  writeFiles(folder, {
    "syntax.mjs": "export {};\n\nconst = 1;\n",
    "syntax.cjs": "\nconst = 1;\n",
    "syntax-below.mjs": "import './syntax.mjs';",
    "no-such-export.mjs": "\nimport { nothing } from './boom.mjs';",
  });
  const cases: [string, RegExp][] = [
    ["syntax.mjs", /SyntaxError: .*\(syntax\.mjs:3\)/],
    ["syntax.cjs", /SyntaxError: .*\(syntax\.cjs:2\)/],
    ["syntax-below.mjs", /SyntaxError: .*\(in a module that it imports\)/],
    ["no-such-export.mjs", /does not provide an export named 'nothing' \(no-such-export\.mjs:2\)/],
  ];
  for (const [file, message] of cases) {
    await assert.rejects(load(at(file)), { code: "PLUGIN_SYNTAX", phase: "import", message });
  }
});

test("an import that never settles ends at the limit, from the option or from MICRO_PLUGIN_TIMEOUT", async () => {
  writeFiles(folder, { "hangs.mjs": "await new Promise(() => {});" });
  const error = {
    code: "PLUGIN_IMPORT_TIMEOUT",
    phase: "import",
    message: /^importing did not end within 30ms\./,
  };
  await assert.rejects(load(at("hangs.mjs"), { timeoutMs: 30 }), error);
  await withEnvironment({ MICRO_PLUGIN_TIMEOUT: "30ms" }, () => assert.rejects(load(at("hangs.mjs")), error));
  for (const wrong of ["soon", "30", "0", "-1s"]) {
    const thrown = await withEnvironment({ MICRO_PLUGIN_TIMEOUT: wrong }, () =>
      load(at("hangs.mjs")).catch((each: unknown) => each),
    );
    assert.ok(UsageError.is(thrown));
    assert.equal(
      thrown.message,
      `MICRO_PLUGIN_TIMEOUT: "${wrong}" is not a duration above 0; write it like MICRO_PLUGIN_TIMEOUT=30s`,
    );
  }
});

test("a plugin that fails after the limit harms nobody", async () => {
  writeFiles(folder, {
    "late.mjs": "await new Promise((resolve) => setTimeout(resolve, 100)); throw new Error('late');",
  });
  await assert.rejects(load(at("late.mjs"), { timeoutMs: 1 }), { code: "PLUGIN_IMPORT_TIMEOUT" });
  await new Promise((resolve) => setTimeout(resolve, 200));
});

test("a plugin that changed on disk since it was opened is the old one, and that is logged once", async (t) => {
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  writeFiles(folder, { "changing.mjs": brokerPlugin("before") });
  const first = await load(at("changing.mjs"));
  assert.equal(await load(at("changing.mjs")), first);
  assert.deepEqual(lines, []);
  writeFiles(folder, { "changing.mjs": brokerPlugin("after") });
  assert.equal(await load(at("changing.mjs")), first);
  assert.equal(await load(at("changing.mjs")), first);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /level=warn .*changing\.mjs changed on disk since it was opened/);
});

test("TypeScript loads where this Node can, and elsewhere the error says what to do", async () => {
  writeFiles(folder, {
    "typed.ts": `${brokerPlugin("typed")}\nexport const answer: number = 42;`,
    "enum.ts": "export enum Colour { red }",
    "node_modules/typed/package.json": { exports: "./index.ts" },
    "node_modules/typed/index.ts": brokerPlugin("typed"),
  });
  const canLoad = "typescript" in process.features && process.features.typescript !== false;
  if (canLoad) assert.equal((await load(at("typed.ts"))).name, "typed");
  const failures: [string, RegExp][] = canLoad
    ? [
        [at("enum.ts"), /^Node can't load this TypeScript: .*enum.*Run: micro plugin build .*enum\.ts\./],
        ["typed", /^Node loads no TypeScript below node_modules\. Name the package's compiled module\./],
      ]
    : [
        [
          at("typed.ts"),
          /^Node \d.* can't load TypeScript\. Run: micro plugin build .*typed\.ts, or use Node 22\.18 or newer\./,
        ],
        ["typed", /can't load TypeScript/],
      ];
  for (const [path, message] of failures) {
    await assert.rejects(load(path, { root: folder }), {
      code: "PLUGIN_TYPESCRIPT_UNSUPPORTED",
      phase: "import",
      message,
    });
  }
});

test("an error of another copy of the package is recognised", async () => {
  assert.ok(PluginError.is(await load("./not-there.mjs").catch((error: unknown) => error)));
  assert.ok(!PluginError.is(new Error("no")));
  const foreign = Object.assign(new Error("x"), { [Symbol.for("ts-micro.PluginError.v1")]: true });
  assert.ok(PluginError.is(foreign));
});
