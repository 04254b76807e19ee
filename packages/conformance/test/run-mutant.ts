/**
 * A process of its own for one mutant: `run-mutant.js <list> <root>` runs the list's suite over its entries
 * below `root`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MutationList } from "./mutation.ts";

const [list = "", root = ""] = process.argv.slice(2);
const { mutations }: { mutations: MutationList<unknown> } = await import(pathToFileURL(list).href);
const modules = await Promise.all(
  mutations.entries.map((entry) => import(pathToFileURL(join(root, entry)).href)),
);
mutations.suite(Object.assign({}, ...modules));
