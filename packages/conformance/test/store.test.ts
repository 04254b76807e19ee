import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newFileStore, newMemoryStore } from "ts-micro/store";
import { storeConformance } from "../src/index.ts";

const hub = randomUUID();

storeConformance("memory", {
  create: (_, options) => newMemoryStore({ ...options, addresses: [hub] }),
  supports: { survivesClose: false },
});

for (const sync of [true, false]) {
  storeConformance(`file, ${sync ? "synced" : "not synced"}`, {
    start: temporaryFolder,
    create: ({ folder }, options) => newFileStore({ ...options, addresses: [folder], sync }),
    supports: { shared: false },
  });
}

async function temporaryFolder(): Promise<AsyncDisposable & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "ts-micro-store-"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
