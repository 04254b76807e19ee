/**
 * What the compiler must refuse, and what it must know: each program is compiled by the real compiler with the real
 * library and generated code, all types checked.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const packageFolder = fileURLToPath(new URL("../../../", import.meta.url));
const require = createRequire(import.meta.url);

/** `lab` is a typed client, `whole` an implementation; each of `errors` matches the message of one error, in order. */
const programs: Record<string, { text: string; errors: RegExp[] }> = {
  "a whole implementation fits": { text: "service.handle(Lab, whole);", errors: [] },
  "answers may be promises, plain objects or messages": {
    text: `service.handle(Lab, {
  ...whole,
  lookUp: ({ value }) => create(NumberSchema, { value }),
  sumUp: async () => ({}),
  echo: async ({ inner }) => ({ inners: [{ leaf: { weights: [1n] } }], choice: { case: "detail", value: { name: inner?.name ?? "" } } }),
});`,
    errors: [],
  },
  "a class fits": {
    text: `class Mine implements Pick<ServiceImplementation<typeof Lab>, "lookUp"> {
  lookUp(request: Number): { value: bigint } { return { value: request.value }; }
}
newHandler(Lab, { ...whole, lookUp: (request) => new Mine().lookUp(request) });`,
    errors: [],
  },
  "a method that is missing": {
    text: "const { echo, ...most } = whole; service.handle(Lab, most);",
    errors: [/'echo' is missing/],
  },
  "a method that isn't there": {
    text: "service.handle(Lab, { ...whole, ecko: whole.echo });",
    errors: [/'ecko' does not exist/],
  },
  "an answer with a field of the wrong type": {
    text: "service.handle(Lab, { ...whole, lookUp: async () => ({ value: 1 }) });",
    errors: [/'\{ value: number; \}' is not assignable to type 'MessageInit<Number>'/],
  },
  "an answer with none of the fields": {
    text: "service.handle(Lab, { ...whole, lookUp: () => ({ valeu: 1n }) });",
    errors: [/valeu: bigint.* is not assignable to type 'Answer<Number>'/],
  },
  "an answer of another message": {
    text: "service.handle(Lab, { ...whole, lookUp: (request) => create(EverythingSchema, {}) });",
    errors: [/'Everything' is not assignable to type 'Answer<Number>'/],
  },
  "a request's field that isn't there": {
    text: "service.handle(Lab, { ...whole, lookUp: ({ valeu }) => ({ value: valeu }) });",
    errors: [/'valeu' does not exist/],
  },
  "a stream where one answer is due, and the other way round": {
    text: `service.handle(Lab, { ...whole, async *lookUp() { yield {}; } });
service.handle(Lab, { ...whole, countTo: async () => ({}) });`,
    errors: [/AsyncGenerator.*not assignable/, /asyncIterator\]. is missing in type .Promise/],
  },
  "streamed answers of the wrong type": {
    text: "service.handle(Lab, { ...whole, async *countTo() { yield { value: 'one' }; } });",
    errors: [/AsyncGenerator<\{ value: string; \}.* is not assignable/],
  },
  "options for a method that isn't there": {
    text: "service.handle(Lab, whole, { endpoints: { look: {} } });",
    errors: [/'look' does not exist/],
  },
  "plain handlers are as before": {
    text: `service.handle("Plain", { Hello: (request: { name: string }, context) => context.peer.address + request.name });
newHandler("Plain", { Hello: () => 1 }, { endpoints: { Hello: { metadata: { a: "b" } } } });`,
    errors: [],
  },
  "a typed client knows its answers": {
    text: `const value: bigint = (await lab.lookUp({})).value;
const text: string = (await lab.echo({ text: "x", at: timestampNow() }, { timeoutMs: 10 })).text;
for await (const { value } of lab.countTo({ value: 3n })) value satisfies bigint;
const sum: bigint = (await lab.sumUp([{ value: 1n }])).value;
for await (const { value } of lab.double(lab.countTo({ value: 3n }))) value satisfies bigint;
const { choice } = await lab.echo({ choice: { case: "number", value: 5n } });
if (choice.case === "detail") choice.value.name satisfies string;
(await newTypedClient(Lab, service.client, { service: "lab" }).lookUp({ value: 1n })).value satisfies bigint;`,
    errors: [],
  },
  "a request's field of the wrong type, or one that isn't there": {
    text: `lab.lookUp({ value: 1 });
lab.lookUp({ valeu: 1n });
lab.echo({ inner: { leaf: { weights: [1] } } });
lab.echo({ choice: { case: "nothing", value: "x" } });`,
    errors: [/number.*bigint/, /'valeu' does not exist/, /number.*bigint/, /nothing/],
  },
  "a method, an option or a service that isn't there": {
    text: `lab.look({});
lab.lookUp({}, { timeout: 5 });
service.for(Lab, {});
service.for(NumberSchema, { service: "lab" });`,
    errors: [
      /'look' does not exist/,
      /'timeout' does not exist/,
      /'service' is missing/,
      /missing.*'ServiceDescriptor'/,
    ],
  },
  "one request where many are due": {
    text: "lab.sumUp({ value: 1n });",
    errors: [/'value' does not exist in type 'Requests</],
  },
  "a descriptor that was made at run time has records for messages": {
    text: `declare const dynamic: DescService;
const any = service.for(dynamic, { service: "x" });
any satisfies Record<string, unknown>;
service.handle(dynamic, { anything: () => ({}) });`,
    errors: [],
  },
};

const head = `import { create, type DescService } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { newHandler, newService, type ServiceImplementation } from "ts-micro";
import { newTypedClient } from "ts-micro/client";
import { EverythingSchema, Lab, type Number, NumberSchema } from "./lab_pb.js";
declare const whole: ServiceImplementation<typeof Lab>;
const service = newService();
const lab = service.for(Lab, { service: "lab" });
`;

test("the compiler holds implementations and calls to their schema", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-schema-types-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const names = Object.keys(programs);
  for (const [index, name] of names.entries()) {
    writeFileSync(join(folder, `program${index}.ts`), `${head}${programs[name]?.text}\nexport {};\n`);
  }
  const library = join(require.resolve("@bufbuild/protobuf"), "../../../..");
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(packageFolder, join(folder, "node_modules/ts-micro"), "junction");
  symlinkSync(library, join(folder, "node_modules/@bufbuild"), "junction");
  copyFileSync(join(packageFolder, "test/schema/gen/testing/v1/lab_pb.ts"), join(folder, "lab_pb.ts"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const compilerOptions = {
    target: "es2022",
    lib: ["es2023", "esnext.disposable"],
    module: "nodenext",
    typeRoots: [dirname(dirname(require.resolve("@types/node/package.json")))],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  // A message may go on in indented lines.
  const messages = stdout.split(/\n(?! )/).filter((message) => message !== "");
  for (const [index, name] of names.entries()) {
    const own = messages.filter((message) => message.startsWith(`program${index}.ts`));
    const { errors = [] } = programs[name] ?? {};
    assert.equal(own.length, errors.length, `${name}:\n${own.join("\n")}`);
    for (const [at, error] of errors.entries()) assert.match(own[at] ?? "", error, name);
  }
  const others = messages.filter((message) => !message.startsWith("program"));
  assert.deepEqual(others, [], "errors in types of the packages");
});
