/**
 * A Go module whose programs are those of another one, on another version of what they import: its `programs.json` names that
 * module and what the imports become. They are written into `.cache`, and `go build -overlay` sees them in the module's folder.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { filesBelow, root } from "./workspace.mjs";

/** The flags that `go build` needs for the module in `folder`; none for one that has all its programs itself. */
export function overlayFlags(folder) {
  const config = join(folder, "programs.json");
  if (!existsSync(config)) return [];
  const { of, imports } = JSON.parse(readFileSync(config, "utf8"));
  const source = resolve(folder, of);
  const cache = join(root, ".cache/interop", `${basename(folder)}-source`);
  rmSync(cache, { recursive: true, force: true });
  const replaced = {};
  for (const file of filesBelow(source).filter((name) => basename(name) === "main.go")) {
    const written = join(cache, file);
    mkdirSync(dirname(written), { recursive: true });
    writeFileSync(written, withImports(readFileSync(join(source, file), "utf8"), imports));
    replaced[join(folder, file)] = written;
  }
  const overlay = join(cache, "overlay.json");
  writeFileSync(overlay, JSON.stringify({ Replace: replaced }));
  return ["-overlay", overlay];
}

/** Each import counts for the packages below it too, and the longest that fits is meant. */
function withImports(text, imports) {
  const names = Object.keys(imports).sort((a, b) => b.length - a.length);
  return text.replace(/^(\s+(?:\w+ )?")([^"]+)"$/gm, (line, before, path) => {
    const name = names.find((each) => path === each || path.startsWith(`${each}/`));
    return name === undefined ? line : `${before}${imports[name]}${path.slice(name.length)}"`;
  });
}
