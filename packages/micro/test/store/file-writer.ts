/**
 * A process to be killed: `file-writer.js <folder> <table> <bytes>` writes ever higher numbers under ten keys,
 * padded to `bytes`, and says each one that was written.
 */
import { newFileStore } from "../../src/store/file.ts";

const [folder = "", table = "", bytes = "0"] = process.argv.slice(2);
const store = newFileStore({ addresses: [folder], table });
const from = Math.max(
  0,
  ...(await store.read("", { prefix: true })).map(({ value }) =>
    Number.parseInt(Buffer.from(value).toString(), 10),
  ),
);
const write = async (n: number): Promise<void> => {
  await store.write({ key: `k${n % 10}`, value: Buffer.from(String(n).padEnd(Number(bytes))) });
  process.stdout.write(`${n}\n`);
};
for (let n = from + 1; ; n += 10) {
  await Promise.all(Array.from({ length: 10 }, (_, index) => write(n + index)));
}
