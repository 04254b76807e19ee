/**
 * Every way for a plugin to be broken that we know of, for the tests of the package, of the command and of a
 * program under `service.run()`.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { PluginErrorCode, PluginPhase } from "../../src/plugin/index.ts";
import { brokerFactory, brokerPlugin, writeFiles } from "./plugin-texts.ts";

export interface BrokenPlugin {
  name: string;
  /** What has to be chosen for the fault to show. */
  key?: string;
  /** The file's text, written to `path`; or do it by hand. */
  text?: string | Uint8Array;
  path?: string;
  prepare?: (folder: string) => void;
  phase: PluginPhase;
  code: PluginErrorCode;
  message: RegExp;
}

/** Writes the plugin below `folder` and gives the path that names it. */
export function writeBrokenPlugin(broken: BrokenPlugin, folder: string): string {
  const file = broken.path ?? `./${broken.name}.mjs`;
  if (broken.text !== undefined) writeFiles(folder, { [file]: broken.text });
  broken.prepare?.(folder);
  return file.startsWith("./") ? join(folder, file) : file;
}

/** A process that is killed leaves its socket behind: no regular file, made without a program besides Node. */
function leaveSocket(path: string): void {
  const listen = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", listen, path]);
}

const config = (fields: string): string => `${brokerFactory()}
export const Plugin = { name: "broken", type: "broker", newFunc: newBroker, ${fields} };`;

export const brokenPlugins: readonly BrokenPlugin[] = [
  {
    name: "a missing file",
    phase: "resolve",
    code: "PLUGIN_NOT_FOUND",
    message:
      /^no such file: .*a missing file\.mjs\. Relative paths are meant from the working directory\. \(plugin /,
  },
  {
    name: "a missing package",
    path: "a-package-that-is-not-there",
    phase: "resolve",
    code: "PLUGIN_PACKAGE_NOT_FOUND",
    message: /Run: npm install a-package-that-is-not-there in that folder\./,
  },
  {
    name: "a package without an entry to import",
    path: "no-entry",
    prepare: (at) =>
      writeFiles(at, { "node_modules/no-entry/package.json": { exports: { require: "./a.cjs" } } }),
    phase: "resolve",
    code: "PLUGIN_NO_ENTRY",
    message: /^no-entry has no entry: its exports offer nothing to import/,
  },
  {
    name: "a folder without an entry",
    path: "./folder",
    prepare: (at) => writeFiles(at, { "folder/package.json": { name: "folder" } }),
    phase: "resolve",
    code: "PLUGIN_NO_ENTRY",
    message: /names no exports and no main file/,
  },
  {
    name: "a directory where the file should be",
    path: "./directory.mjs",
    prepare: (at) => writeFiles(at, { "directory.mjs/readme.md": "" }),
    phase: "resolve",
    code: "PLUGIN_NO_ENTRY",
    message: /directory\.mjs is a folder without package\.json\./,
  },
  {
    name: "a socket",
    path: "./socket.mjs",
    prepare: (at) => leaveSocket(join(at, "socket.mjs")),
    phase: "read",
    code: "PLUGIN_UNREADABLE",
    message: /socket\.mjs is not a regular file\./,
  },
  {
    name: "an empty file",
    text: " \n",
    phase: "read",
    code: "PLUGIN_EMPTY",
    message: /^an empty file\.mjs is empty\. Build or copy the plugin again\./,
  },
  {
    name: "random bytes",
    text: Uint8Array.from({ length: 512 }, (_, index) => (index * 167 + 13) % 256),
    phase: "read",
    code: "PLUGIN_NOT_JAVASCRIPT",
    message: /^random bytes\.mjs is not a text file\./,
  },
  {
    name: "a JSON file",
    path: "./plugin.json",
    text: '{ "name": "json" }',
    phase: "read",
    code: "PLUGIN_NOT_JAVASCRIPT",
    message: /^plugin\.json is not a plugin: JSON can't hold newFunc\. Name a JavaScript module\./,
  },
  {
    name: "a native addon",
    path: "./plugin.node",
    text: "\u007fELF",
    phase: "read",
    code: "PLUGIN_NOT_JAVASCRIPT",
    message: /^plugin\.node is not a plugin: a native addon can't describe itself/,
  },
  {
    name: "a Go plugin",
    path: "./plugin.so",
    text: "\u007fELF",
    phase: "read",
    code: "PLUGIN_NOT_JAVASCRIPT",
    message: /^plugin\.so is not a plugin: a \.so is a Go plugin/,
  },
  {
    name: "a text file",
    path: "./plugin.txt",
    text: "hello",
    phase: "read",
    code: "PLUGIN_NOT_JAVASCRIPT",
    message: /a plugin's file must end in \.mjs, \.js, \.cjs or \.ts/,
  },
  {
    name: "a damaged manifest",
    text: '/*! ts-micro-plugin {"schema":1,"plu */\nexport const Plugin = 1;',
    phase: "manifest",
    code: "PLUGIN_MANIFEST_INVALID",
    message: /^line 1, the manifest, is not JSON\. Build the plugin again\./,
  },
  {
    name: "a cut manifest",
    text: '/*! ts-micro-plugin {"schema":1,"plu',
    phase: "manifest",
    code: "PLUGIN_MANIFEST_INVALID",
    message: /^line 1, the manifest, is not closed\./,
  },
  {
    name: "a manifest of another form",
    text: '/*! ts-micro-plugin {"schema":1,"plugins":[{}],"host":[],"builtWith":{}} */',
    phase: "manifest",
    code: "PLUGIN_MANIFEST_INVALID",
    message: /lacks what a manifest must have/,
  },
  {
    name: "a newer manifest",
    text: '/*! ts-micro-plugin {"schema":2} */',
    phase: "manifest",
    code: "PLUGIN_MANIFEST_INVALID",
    message: /has form 2, and ts-micro .* reads form 1\. Update ts-micro/,
  },
  {
    name: "a manifest with an API from the future",
    text: '/*! ts-micro-plugin {"schema":1,"plugins":[{"name":"next","type":"broker","api":[8,9]}],"host":[],"builtWith":{}} */\nthrow new Error("must not run");',
    phase: "manifest",
    code: "PLUGIN_API_UNSUPPORTED",
    message:
      /^Invalid plugin next: it implements version 8, 9 of the broker interface, this ts-micro speaks 1\./,
  },
  {
    name: "a manifest that needs more of the host",
    text: '/*! ts-micro-plugin {"schema":1,"plugins":[],"host":["ts-micro/auth"],"builtWith":{}} */\nthrow new Error("must not run");',
    phase: "manifest",
    code: "PLUGIN_HOST_MODULE_MISSING",
    message: /^the plugin needs ts-micro\/auth, which ts-micro .* doesn't have\. Update ts-micro/,
  },
  {
    name: "a syntax error",
    text: "export const Plugin = {;",
    phase: "import",
    code: "PLUGIN_SYNTAX",
    message: /^importing failed with SyntaxError: .* \(a syntax error\.mjs:1\)\. Fix that line\./,
  },
  {
    name: "an import that throws",
    text: "\n\nthrow new Error('first line\\nsecond line');",
    phase: "import",
    code: "PLUGIN_IMPORT_FAILED",
    message: /^importing threw first line second line \(an import that throws\.mjs:3\)\./,
  },
  {
    name: "an import that throws no error",
    text: "throw { toString() { throw new Error('no'); } };",
    phase: "import",
    code: "PLUGIN_IMPORT_FAILED",
    message: /^importing threw \{ toString: \[Function: toString\] \}\./,
  },
  {
    name: "an import that never settles",
    text: "await new Promise(() => {});",
    phase: "import",
    code: "PLUGIN_IMPORT_TIMEOUT",
    message:
      /^importing did not end within 200ms\. Remove the top-level await that doesn't settle, or raise MICRO_PLUGIN_TIMEOUT\./,
  },
  {
    name: "a missing dependency",
    text: "import 'not-installed-here';",
    phase: "import",
    code: "PLUGIN_DEPENDENCY_MISSING",
    message:
      /^importing failed: Cannot find package 'not-installed-here' imported from .*Install it .* or bundle it: micro plugin build\./,
  },
  {
    name: "a missing dependency of CommonJS",
    path: "./missing.cjs",
    text: "require('not-installed-here');",
    phase: "import",
    code: "PLUGIN_DEPENDENCY_MISSING",
    message: /^importing failed: Cannot find module 'not-installed-here'\. Install it/,
  },
  {
    name: "a dependency that throws",
    prepare: (at) =>
      writeFiles(at, {
        "a dependency that throws.mjs": "import './dependency.mjs';",
        "dependency.mjs": "throw new Error('deep');",
      }),
    phase: "import",
    code: "PLUGIN_DEPENDENCY_FAILED",
    message:
      /^a module it imports threw deep \(dependency\.mjs:1\)\. Fix that module, then start the process again/,
  },
  {
    name: "no export called Plugin",
    text: "export const newBroker = () => {}; export const other = 1;",
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    message:
      /^plugin: symbol Plugin not found in plugin .*: it exports newBroker, other\. Add: export const Plugin/,
  },
  {
    name: "an export called plugin",
    text: "export const plugin = {};",
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    message: /: found "plugin", expected "Plugin"\./,
  },
  {
    name: "no export at all",
    text: "const Plugin = 1;",
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    message: /: it exports nothing\./,
  },
  {
    name: "a default export that is no config",
    text: "export default function newBroker() {}",
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    message: /: it exports default\./,
  },
  {
    name: "a Plugin that is a function",
    text: "export function Plugin() {}",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message:
      /^could not cast Plugin object: Plugin is a function and must be the config itself\. Export Plugin = \{/,
  },
  {
    name: "a Plugin that is a text",
    text: "export const Plugin = 'nats';",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: Plugin is a string\./,
  },
  {
    name: "a Plugin that is null",
    text: "export const Plugin = null;",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: Plugin is null\./,
  },
  {
    name: "a Plugin that is a promise",
    text: "export const Plugin = Promise.resolve({});",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: Plugin is a promise: await it in the module\./,
  },
  {
    name: "a Plugin that throws when it is looked at",
    text: "export const Plugin = { get name() { throw new Error('not yet'); } };",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: looking at it threw not yet\./,
  },
  {
    name: "a manifest that doesn't tell the truth",
    text: `/*! ts-micro-plugin {"schema":1,"plugins":[{"name":"honest","type":"broker","api":[1]}],"host":[],"builtWith":{}} */
${brokerPlugin("other")}`,
    phase: "check",
    code: "PLUGIN_MANIFEST_INVALID",
    message:
      /^line 1, the manifest, tells of broker honest, the module exports broker other\. Build the plugin again/,
  },
  {
    name: "an empty list",
    text: "export const Plugin = [];",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: Plugin is an empty list\./,
  },
  {
    name: "a list with a list in it",
    text: "export const Plugin = [[]];",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /^could not cast Plugin object: Plugin\[0\]: Plugin is a list\./,
  },
  {
    name: "Go's spelling of the members",
    text: "export const Plugin = { Name: 'x', Type: 'broker', NewFunc() {} };",
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message:
      /^could not cast Plugin object: name is missing \(found "Name", expected "name"\); type is missing \(found "Type", expected "type"\); newFunc is missing \(found "NewFunc", expected "newFunc"\)\./,
  },
  {
    name: "a misspelt optional member",
    text: config("overide: true"),
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message: /misspelt member \(found "overide", expected "override"\)/,
  },
  {
    name: "optional members of wrong types",
    text: config("path: 1, override: 'yes', flags: [{ name: 'Bad-Name', type: 'text' }]"),
    phase: "check",
    code: "PLUGIN_NOT_A_CONFIG",
    message:
      /path must be a string; override must be true or false; flags\[0\]\.name must be lower-case .*; flags\[0\]\.type must be one of string, .*; flags\[0\]\.usage must be a string; flags\[0\]\.option must be a string\./,
  },
  {
    name: "an unknown type",
    text: "export const Plugin = { name: 'x', type: 'auth', newFunc() {} };",
    phase: "check",
    code: "PLUGIN_TYPE_UNKNOWN",
    message:
      /^Unknown plugin type: auth for x \(known are client, server, registry, broker, selector, transport, store\)\. Set type/,
  },
  {
    name: "a misspelt type",
    text: "export const Plugin = { name: 'x', type: 'Broker', newFunc() {} };",
    phase: "check",
    code: "PLUGIN_TYPE_UNKNOWN",
    message: /^Unknown plugin type: Broker for x \(did you mean broker\?\)\./,
  },
  {
    name: "an empty name",
    text: "export const Plugin = { name: '', type: 'broker', newFunc() {} };",
    phase: "check",
    code: "PLUGIN_NAME_INVALID",
    message: /^Invalid plugin "": name is "" and must be a lower-case word such as nats or my-nats\./,
  },
  {
    name: "a malformed name",
    text: "export const Plugin = { name: 'My Broker', type: 'broker', newFunc() {} };",
    phase: "check",
    code: "PLUGIN_NAME_INVALID",
    message: /^Invalid plugin My Broker: name is "My Broker" and must be/,
  },
  {
    name: "a newFunc that is a class",
    text: "export const Plugin = { name: 'x', type: 'broker', newFunc: class Nats {} };",
    phase: "check",
    code: "PLUGIN_NEW_FUNC_INVALID",
    message: /^Invalid plugin x: newFunc is a class; give a function: \(options\) => new Nats\(options\)\./,
  },
  {
    name: "a newFunc that is async",
    text: "export const Plugin = { name: 'x', type: 'broker', newFunc: async () => {} };",
    phase: "check",
    code: "PLUGIN_NEW_FUNC_INVALID",
    message:
      /^Invalid plugin x: newFunc is an async function; make it synchronous and open connections in connect/,
  },
  {
    name: "a newFunc that is a generator",
    text: "export const Plugin = { name: 'x', type: 'broker', *newFunc() {} };",
    phase: "check",
    code: "PLUGIN_NEW_FUNC_INVALID",
    message: /^Invalid plugin x: newFunc is a generator function/,
  },
  {
    name: "a newFunc that is a name, as for build",
    text: "export const Plugin = { name: 'x', type: 'broker', newFunc: 'newBroker' };",
    phase: "check",
    code: "PLUGIN_NEW_FUNC_INVALID",
    message: /^Invalid plugin x: newFunc is the text "newBroker", a form that only build and generate take/,
  },
  {
    name: "an API from the future",
    text: config("api: [2, 3]"),
    phase: "check",
    code: "PLUGIN_API_UNSUPPORTED",
    message:
      /^Invalid plugin broken: it implements version 2, 3 of the broker interface, this ts-micro speaks 1\. Take the release/,
  },
  {
    name: "an API that is no version",
    text: config("api: '1.0'"),
    phase: "check",
    code: "PLUGIN_API_UNSUPPORTED",
    message: /api must be a version number such as 1/,
  },
  {
    name: "several problems at once",
    text: "export const Plugin = { name: 'A', type: 'broker', newFunc: 7 };",
    phase: "check",
    code: "PLUGIN_NAME_INVALID",
    message:
      /^Invalid plugin A: name is "A" and must be a lower-case word such as nats or my-nats; newFunc is a number\./,
  },
  {
    name: "one name twice in a list",
    text: `${brokerFactory()}
export const Plugin = [1, 2].map(() => ({ name: "same", type: "broker", newFunc: newBroker }));`,
    phase: "check",
    code: "PLUGIN_NAME_DUPLICATE",
    message:
      /^Invalid plugin same: two broker plugins of the list are called same\. Give each its own name\./,
  },
  {
    name: "a name that ts-micro has",
    text: brokerPlugin("memory"),
    phase: "register",
    code: "PLUGIN_NAME_TAKEN",
    message:
      /^Invalid plugin memory: the broker memory comes from ts-micro itself already\. Give the plugin another name, or set override: true/,
  },
  {
    name: "a factory that throws",
    key: "thrower",
    text: "export const Plugin = { name: 'thrower', type: 'broker', newFunc() { throw new TypeError('no address'); } };",
    phase: "construct",
    code: "PLUGIN_FACTORY_THREW",
    message: /^newFunc of the broker thrower threw TypeError: no address\. Check the options/,
  },
  {
    name: "a factory that gives a promise",
    key: "promiser",
    text: "export const Plugin = { name: 'promiser', type: 'broker', newFunc() { return Promise.reject(new Error('unseen')); } };",
    phase: "construct",
    code: "PLUGIN_FACTORY_ASYNC",
    message: /^newFunc of the broker promiser returned a promise\. Make it synchronous/,
  },
  {
    name: "a factory that gives nothing",
    key: "nothing",
    text: "export const Plugin = { name: 'nothing', type: 'broker', newFunc() {} };",
    phase: "construct",
    code: "PLUGIN_PART_INCOMPLETE",
    message:
      /^Invalid plugin nothing: what newFunc returns is not a broker: expected an object, got undefined\./,
  },
  {
    name: "a typo in a method's name",
    key: "typo",
    text: `${brokerFactory().replace("async subscribe(", "async subcribe(").replace("async publish() {},", "")}
export const Plugin = { name: "typo", type: "broker", newFunc: newBroker };`,
    phase: "construct",
    code: "PLUGIN_PART_INCOMPLETE",
    message:
      /^Invalid plugin typo: what newFunc returns is not a broker: missing method publish; missing method subscribe \(found "subcribe", expected "subscribe"\)\. Implement what the interface in ts-micro\/broker asks for\./,
  },
  {
    name: "a member that throws when it is looked at",
    key: "getter",
    text: `${brokerFactory()}
export const Plugin = { name: "getter", type: "broker", newFunc: () => Object.defineProperty(newBroker(), "supports", { get() { throw new Error("not yet"); } }) };`,
    phase: "construct",
    code: "PLUGIN_FACTORY_THREW",
    message: /threw not yet\./,
  },
];
