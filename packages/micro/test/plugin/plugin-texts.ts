/** Plugins as text, and how texts become files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes `files` (path → text) below `folder`; a value that is no text becomes JSON. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array | object>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    const isRaw = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(file, isRaw ? content : JSON.stringify(content));
  }
}

/** Text of a function that makes a whole broker named `name`. */
export function brokerFactory(functionName = "newBroker", name = "fake"): string {
  return `export function ${functionName}(options = {}) {
  return {
    name: ${JSON.stringify(name)}, address: "", options,
    supports: { ack: false, queue: false, order: false, redelivery: false },
    async connect() {}, async disconnect() {}, async publish() {},
    async subscribe(topic) { return { topic, options: {}, async unsubscribe() {}, async [Symbol.asyncDispose]() {} }; },
    async [Symbol.asyncDispose]() {},
  };
}
`;
}

/** Text of a module with one good broker plugin. */
export function brokerPlugin(name: string, more = ""): string {
  return `${brokerFactory()}
export const Plugin = { name: ${JSON.stringify(name)}, type: "broker", path: "./here", newFunc: newBroker${more} };
`;
}
