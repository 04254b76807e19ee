import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { arrowProblems, dependencyProblems, importCircles, importsOf } from "../imports.mjs";
import { publishedPackages, readManifest, root } from "../workspace.mjs";

test("imports inside ts-micro point one way", () => {
  assert.deepEqual(arrowProblems(join(root, "packages/micro/src")), []);
});

test("no imports of ts-micro go in a circle at run time", () => {
  assert.deepEqual(importCircles(join(root, "packages/micro/src")), []);
});

test("the framework depends on no package", () => {
  assert.equal(readManifest(join(root, "packages/micro")).dependencies, undefined);
});

for (const { folder, manifest } of publishedPackages()) {
  test(`${manifest.name} imports only what it declares`, () => {
    assert.deepEqual(dependencyProblems(join(root, folder)), []);
  });
}

test("every form of import is found, and none in comments", () => {
  const source = `
    /* import "./in-a-comment.ts"; */
// import "./in-another.ts";
import "./plain.ts";
import type { A } from "./type.ts";
import {
  b,
  type C,
} from "./named.ts";
export * from "./all.ts";
export { d } from "node:fs";
const later = await import("./later.ts");
`;
  assert.deepEqual(
    importsOf(source).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier)),
    ["./plain.ts", "type ./type.ts", "./named.ts", "./all.ts", "node:fs", "./later.ts"],
  );
});

test("an import against the arrows, an undeclared one, one that leaves the package, and a circle are seen", () => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-imports-"));
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  write(
    "package.json",
    JSON.stringify({ name: "it", dependencies: { declared: "1" }, devDependencies: { dev: "1" } }),
  );
  write("src/errors.ts", `import "./client/mucp.ts";`);
  write("src/service.ts", `import "./cmd/cmd.ts";`);
  write(
    "src/broker/http.ts",
    `import "../registry/mdns.ts";\nimport "../transport/http.ts";\nimport type { M } from "../transport/transport.ts";`,
  );
  write("src/client/mucp.ts", `import "../errors.ts";\nimport "../service.ts";\nimport "declared/sub";`);
  write("src/plugin/init.ts", `import "../cmd/defaults.ts";\nimport "../cmd/cmd.ts";`);
  write(
    "src/cmd/cmd.ts",
    `import "@ts-micro/broker-nats";\nimport "dev";\nimport "../../../other/src/x.ts";`,
  );
  write("test/a.test.ts", `import "dev";\nimport "it";`);
  try {
    assert.deepEqual(arrowProblems(join(folder, "src")), [
      "broker/http.ts may not import transport/http.ts",
      "client/mucp.ts may not import service.ts",
      "cmd/cmd.ts may not import ../../other/src/x.ts",
      "errors.ts may not import client/mucp.ts",
      "plugin/init.ts may not import cmd/cmd.ts",
    ]);
    assert.deepEqual(dependencyProblems(folder), [
      "it: src/cmd/cmd.ts may not import @ts-micro/broker-nats",
      "it: src/cmd/cmd.ts may not import dev",
      "it: src/cmd/cmd.ts may not import ../../../other/src/x.ts",
    ]);
    assert.deepEqual(importCircles(join(folder, "src")), [["client/mucp.ts", "errors.ts", "client/mucp.ts"]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
