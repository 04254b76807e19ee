import { fileURLToPath } from "node:url";
import { type Binary, requireBinary } from "@ts-micro/conformance";

const built = fileURLToPath(new URL("../../../.cache/interop", import.meta.url));

/**
 * One of the programs that `interop/go/<module>` builds. Tests that pass `skip` on are skipped without it; with
 * `REQUIRE_SERVICES=1` its absence is an error.
 */
export function goProgram(module: string, name: string): Binary {
  const build = "npm run build:go (it needs Go 1.26 or later, https://go.dev/dl/)";
  return requireBinary(name, build, { ...process.env, PATH: `${built}/${module}` });
}
