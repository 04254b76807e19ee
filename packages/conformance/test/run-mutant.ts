/**
 * A process of its own for one mutant: `run-mutant.js <list> <root>` runs the list's suite over its entry
 * below `root`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MutationList } from "./mutation.ts";

const [list = "", root = ""] = process.argv.slice(2);
const { mutations }: { mutations: MutationList<unknown> } = await import(pathToFileURL(list).href);
mutations.suite(await import(pathToFileURL(join(root, mutations.entry)).href));
