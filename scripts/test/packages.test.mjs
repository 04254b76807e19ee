import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publishedPackages, readManifest, root } from "../workspace.mjs";

for (const { folder, manifest } of publishedPackages()) {
  test(`${manifest.name} can be published: licence, text for its page, Node's version, no tests`, () => {
    for (const file of ["LICENSE", "README.md"]) {
      assert.ok(
        existsSync(join(root, folder, file)),
        `${folder}/${file} is missing; the LICENSE is a copy of the root's`,
      );
    }
    assert.equal(
      readFileSync(join(root, folder, "LICENSE"), "utf8"),
      readFileSync(join(root, "LICENSE"), "utf8"),
    );
    const { name, description, license, type, engines, files } = manifest;
    assert.match(description ?? "", /\.$/, `${name} has a description, a sentence`);
    assert.deepEqual(
      { license, type, engines },
      { license: "Apache-2.0", type: "module", engines: readManifest(root).engines },
    );
    assert.ok(
      files.includes("dist/src") && files.includes("src"),
      `${name} publishes its sources for the maps`,
    );
    assert.deepEqual(
      files.filter((file) => /test|^dist$|\*/.test(file)),
      [],
    );
  });
}

test("whoever uses the published packages takes on no licence that asks for more than a notice", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const used = Object.entries(packages).filter(
    ([path, { dev, link }]) => path.includes("node_modules/") && !dev && !link,
  );
  assert.ok(used.length > 0);
  // Two of them ask for nothing at all: 0BSD, and the Unlicense, which puts the work into the public domain.
  const free = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unlicense"];
  // Several at once ask for all their notices, and for no more.
  const all = (license = "") => license.replace(/^\(|\)$/g, "").split(" AND ");
  const others = used.filter(([, { license }]) => !all(license).every((each) => free.includes(each)));
  assert.deepEqual(
    others.map(([path, { license }]) => `${path}: ${license}`),
    [],
  );
});
