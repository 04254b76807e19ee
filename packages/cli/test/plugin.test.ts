/** `plugin build`, `plugin generate` and `plugin inspect`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fixedRegistry, micro, scratch } from "./micro.ts";

/** Leaves a file behind wherever it is imported. */
const tellTale = `import { writeFileSync } from "node:fs";
writeFileSync("it-ran", "");
${fixedRegistry}`;

/** A folder with a plugin that was written by hand, and the same factory without its \`Plugin\`. */
function project(t: TestContext): { folder: string; run: (...args: string[]) => ReturnType<typeof micro> } {
  const folder = scratch(t);
  const [factory = ""] = fixedRegistry.split("export const Plugin");
  writeFileSync(join(folder, "fixed.mjs"), fixedRegistry);
  writeFileSync(join(folder, "tell-tale.mjs"), tellTale);
  writeFileSync(
    join(folder, "factory.ts"),
    factory.replace("{ addresses = [] }", "{ addresses = [] }: { addresses?: string[] }"),
  );
  return { folder, run: (...args) => micro(["plugin", ...args], { cwd: folder }) };
}

test("build prints the file it wrote, which is loaded elsewhere", async (t) => {
  const { folder, run } = project(t);
  const built = await run("build", "fixed.mjs", "-o", "out/plugin.mjs");
  const file = join(folder, "out/plugin.mjs");
  const bytes = readFileSync(file).length;
  assert.deepEqual(built, { code: 0, stdout: `${file}  ${bytes} bytes\n`, stderr: "" });

  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  renameSync(file, join(elsewhere, "moved.mjs"));
  const services = await micro(["services", "--registry=fixed", "--plugin=moved.mjs"], { cwd: elsewhere });
  assert.equal(services.stdout, "SERVICE  VERSION\nfixed    7\n");
});

test("build makes a plugin of any factory, TypeScript too, and names the file after it", async (t) => {
  const { folder, run } = project(t);
  const flags = ["--type=registry", "--name=mine", "--new-func=newRegistry"];
  const { code, stdout, stderr } = await run("build", "factory.ts", ...flags, "--json");
  assert.equal(code, 0, stderr);
  const { path, bytes } = JSON.parse(stdout);
  assert.deepEqual([path, bytes], [join(folder, "mine.mjs"), readFileSync(join(folder, "mine.mjs")).length]);
});

test("build says what is missing, and passes on what esbuild says", async (t) => {
  const { folder, run } = project(t);
  writeFileSync(join(folder, "bad.ts"), "export const Plugin = ;");
  const cases: [string[], number, RegExp][] = [
    [["factory.ts"], 1, /PLUGIN_/],
    [["factory.ts", "--type=registri", "--name=x", "--new-func=newRegistry"], 1, /registry/],
    [
      ["factory.ts", "--type=registry", "--name=x", "--new-func=newRegistri"],
      1,
      /factory\.ts.*"newRegistri"/,
    ],
    [["bad.ts"], 1, /bad\.ts:1:22: .*Unexpected ";"/],
    [["missing.ts"], 1, /missing\.ts/],
    [["fixed.mjs"], 2, /fixed\.mjs is the source itself; name another file with -o/],
  ];
  for (const [args, exitCode, problem] of cases) {
    const { code, stdout, stderr } = await run("build", ...args);
    assert.deepEqual([code, stdout], [exitCode, ""], stderr);
    assert.match(stderr, /^micro plugin build: [^\n]*\n$/);
    assert.match(stderr, problem);
  }
});

test("generate writes the module that build would bundle", async (t) => {
  const { folder, run } = project(t);
  const flags = ["--type=registry", "--name=mine", "--new-func=newRegistry", "-o", "mine.ts"];
  const file = join(folder, "mine.ts");
  assert.deepEqual(await run("generate", "./factory.ts", ...flags), {
    code: 0,
    stdout: `${file}\n`,
    stderr: "",
  });
  assert.match(readFileSync(file, "utf8"), /import .*newRegistry[\s\S]*export const Plugin/);
  assert.deepEqual(await run("generate", "./factory.ts", ...flags, "--json"), {
    code: 0,
    stdout: `${JSON.stringify({ path: file })}\n`,
    stderr: "",
  });
  assert.equal((await run("build", "mine.ts", "-o", "built.mjs")).code, 0);
});

test("inspect shows the file and its manifest, and runs nothing", async (t) => {
  const { folder, run } = project(t);
  const trace = join(folder, "it-ran");
  const byHand = await run("inspect", "tell-tale.mjs");
  assert.deepEqual([byHand.code, byHand.stderr], [0, ""]);
  assert.match(byHand.stdout, /^form +javascript, written by hand: no manifest$/m);
  assert.equal(existsSync(trace), false);

  assert.equal((await run("build", "tell-tale.mjs", "-o", "built.mjs")).code, 0);
  rmSync(trace, { force: true });
  const built = await run("inspect", "built.mjs");
  assert.deepEqual([built.code, built.stderr], [0, ""]);
  assert.match(built.stdout, /^plugin +registry fixed, interface version 1$/m);
  const { path, form, manifest } = JSON.parse((await run("inspect", "built.mjs", "--json")).stdout);
  assert.deepEqual([path, form, manifest.plugins[0].name], [join(folder, "built.mjs"), "built", "fixed"]);
  assert.equal(existsSync(trace), false);
});

test("inspect --run imports the plugin and shows what its factory gives", async (t) => {
  const { folder, run } = project(t);
  const { code, stdout, stderr } = await run("inspect", "tell-tale.mjs", "--run");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^gives +registry fixed by newRegistry of here; it calls itself fixed$/m);
  assert.ok(existsSync(join(folder, "it-ran")));
  const json = JSON.parse((await run("inspect", "tell-tale.mjs", "--run", "--json")).stdout);
  assert.deepEqual(json.configs, [
    { type: "registry", name: "fixed", path: "here", newFunc: "newRegistry", part: "fixed" },
  ]);
});

test("inspect --run ends although the plugin left something running", async (t) => {
  const { folder, run } = project(t);
  writeFileSync(join(folder, "busy.mjs"), `${fixedRegistry}\nsetInterval(() => {}, 1_000);`);
  const { code, stdout } = await run("inspect", "busy.mjs", "--run");
  assert.equal(code, 0);
  assert.match(stdout, /^gives +registry fixed/m);
});
