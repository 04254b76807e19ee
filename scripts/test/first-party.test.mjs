import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPartyNames } from "../../packages/micro/dist/src/cmd/first-party.js";
import { readManifest, root, subfolders } from "../workspace.mjs";

test("the plugins that an error says to install are those that are published", () => {
  const listed = Object.entries(firstPartyNames).flatMap(([kind, names]) =>
    names.map((name) => `@ts-micro/${kind}-${name}`),
  );
  const published = subfolders("plugins").map((folder) => readManifest(`${root}/${folder}`).name);
  assert.deepEqual(listed.toSorted(), published.toSorted());
});
