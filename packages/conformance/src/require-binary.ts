import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that a test needs beside Node, such as a message server. */
export interface Binary {
  /** Where it is; the bare name when it is missing. */
  readonly path: string;
  /** For the options of `test` and `describe`: false, or the reason with the line that installs it. */
  readonly skip: false | string;
}

/**
 * Looks a program up in `PATH`. When it is missing, tests that pass `skip` on are skipped and listed with the
 * reason. With `REQUIRE_SERVICES=1`, as in CI, a missing program is an error instead.
 *
 *     const nats = requireBinary("nats-server", "go install github.com/nats-io/nats-server/v2@latest");
 *     test("a queue shares its messages", { skip: nats.skip }, async () => { … });
 *
 * @param install the shell line that installs it
 * @throws Error naming program and line, with `REQUIRE_SERVICES=1` only
 */
export function requireBinary(
  name: string,
  install: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Binary {
  const found = (env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  if (found !== undefined) return { path: found, skip: false };
  const reason = `${name} is not in PATH, install it: ${install}`;
  if (env.REQUIRE_SERVICES === "1") throw new Error(`${reason} (REQUIRE_SERVICES=1 forbids to skip)`);
  return { path: name, skip: reason };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
