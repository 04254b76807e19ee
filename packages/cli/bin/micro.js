#!/usr/bin/env node
// Committed, because npm makes no link to a command that isn't built yet.
import { existsSync } from "node:fs";

const program = new URL("../dist/src/index.js", import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write("micro: the command is not built, run `npm run build` in the repository first\n");
  process.exitCode = 1;
}
