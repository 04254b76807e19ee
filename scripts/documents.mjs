/**
 * What stands in the documents between fences: TypeScript that must compile, and consoles that must be true.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, root, subfolders } from "./workspace.mjs";

/** Every Markdown file that is written for readers, as a path from the root. */
export function documents() {
  const below = (folder) => filesBelow(join(root, folder)).map((file) => `${folder}/${file}`);
  const packages = ["packages", "plugins", "examples", "interop"].flatMap((folder) => subfolders(folder));
  return [
    ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"],
    ...below("docs"),
    ...[...packages, "bench"].map((folder) => `${folder}/README.md`),
  ].filter((file) => file.endsWith(".md") && read(file) !== undefined);
}

export function read(document) {
  try {
    return readFileSync(join(root, document), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The fenced blocks of a document. `hidden` is what the reader is spared: the text of a comment `<!-- ts … -->`
 * right above the block, such as an import that an earlier block showed.
 */
export function blocksOf(markdown) {
  const fence = /(?:^ *<!-- ts\n([\s\S]*?)-->\n+)?^ *```(\w*)\n([\s\S]*?)^ *```$/gm;
  return [...markdown.matchAll(fence)].map(({ 1: hidden = "", 2: language, 3: text, index }) => ({
    language,
    text: withoutIndent(text),
    hidden,
    line: markdown.slice(0, index).split("\n").length,
  }));
}

/** A block of a list's item is indented as a whole. */
function withoutIndent(text) {
  const [indent] = /^ */.exec(text);
  return text.replaceAll(new RegExp(`^${indent}`, "gm"), "");
}

/**
 * Name → text of the modules in a document. A first line such as `// greeter.ts` is a block's name. A comment
 * `<!-- ts src/index.ts … -->` is a whole module that the reader is to have, or can imagine.
 */
export function modulesOf(markdown) {
  const imagined = [...markdown.matchAll(/^ *<!-- ts (\S+)\n([\s\S]*?)-->$/gm)];
  const modules = Object.fromEntries(imagined.map(([, name, text]) => [name, text]));
  for (const { language, text, hidden, line } of blocksOf(markdown)) {
    if (language !== "ts") continue;
    const name = /^\/\/ ([\w./-]+\.[mc]?ts)$/m.exec(text.split("\n")[0])?.[1] ?? `line-${line}.ts`;
    if (name in modules) throw new Error(`two blocks are called ${name}`);
    // On one line, so that the compiler counts the lines as the reader does, less one.
    modules[name] = `${hidden.replaceAll("\n", " ")}\n${text}`;
  }
  return modules;
}

/**
 * The consoles of a document that can be played: those in which every command is one of ours. A command's line
 * begins with `$ `; all other lines are what the commands print.
 */
export function scenesOf(markdown) {
  return blocksOf(markdown)
    .filter(({ language }) => language === "console")
    .map(({ text, line }) => {
      const lines = text.split("\n").filter((each) => each !== "");
      const commands = lines.filter((each) => each.startsWith("$ ")).map((each) => commandOf(each.slice(2)));
      return { line, commands, prints: lines.filter((each) => !each.startsWith("$ ")) };
    })
    .filter(({ commands }) => commands.every(({ program }) => ["node", "micro", "echo"].includes(program)));
}

/** `NAME=value node file.ts 'an argument' &  # why` */
function commandOf(line) {
  const words = [...line.replace(/\s+#.*$/, "").matchAll(/'([^']*)'|([^\s']+)/g)].map(
    (match) => match[1] ?? match[2],
  );
  const background = words.at(-1) === "&";
  if (background) words.pop();
  const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const env = Object.fromEntries(words.slice(0, start).map((word) => word.split(/=(.*)/s).slice(0, 2)));
  return { line, env, program: words[start], args: words.slice(start + 1), background };
}
