import { homedir } from "node:os";
import { join } from "node:path";
import { badRequest } from "../errors.ts";
import { storeId } from "./failures.ts";
import type { StorePlace } from "./store.ts";

/** Where go-micro v6 keeps its files (`store/file.go`). */
export function defaultFolder(): string {
  return join(homedir(), "micro", "store");
}

/**
 * The file of a table: `<folder>/<database>/<table>.log`.
 * @throws MicroError 400 for a name that is too long for a file's
 */
export function logPath(folder: string, { database, table }: Required<StorePlace>): string {
  return join(folder, fileName(database), `${fileName(table)}.log`);
}

/** What most file systems take, less what is put behind it. */
const maxLength = 230;

/** Capital letters are written as bytes too: not every file system tells `A` from `a`. */
function fileName(name: string): string {
  const safe = [...Buffer.from(name)].map((byte, index) => {
    const letter = String.fromCharCode(byte);
    const isSafe = /[a-z0-9_-]/.test(letter) || (letter === "." && index > 0);
    return isSafe ? letter : `%${byte.toString(16).padStart(2, "0")}`;
  });
  const text = safe.join("");
  if (text.length <= maxLength) return text;
  throw badRequest(
    storeId,
    `"${name}" is too long for the name of a file; the file store takes ${maxLength} bytes`,
  );
}
