import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { requireBinary } from "../src/require-binary.ts";

const folder = dirname(process.execPath);
const node = basename(process.execPath);

test("a program in PATH is found, and nothing is skipped", () => {
  assert.deepEqual(requireBinary(node, "", { PATH: `/nowhere:${folder}`, REQUIRE_SERVICES: "1" }), {
    path: process.execPath,
    skip: false,
  });
});

test("a missing program is a reason to skip that says how to install it", () => {
  assert.deepEqual(requireBinary("nats-server", "go install it", { PATH: folder }), {
    path: "nats-server",
    skip: "nats-server is not in PATH, install it: go install it",
  });
});

test("a folder of that name is no program", () => {
  assert.notEqual(requireBinary(basename(folder), "", { PATH: dirname(folder) }).skip, false);
});

test("with REQUIRE_SERVICES=1 a missing program is an error", () => {
  assert.throws(
    () => requireBinary("nats-server", "go install it", { PATH: folder, REQUIRE_SERVICES: "1" }),
    /nats-server is not in PATH, install it: go install it/,
  );
});
