import { fileURLToPath } from "node:url";
import { type Binary, requireBinary } from "@ts-micro/conformance";

/** `bench` of a module of `interop/go`, which is both processes of a contender. */
export interface GoMicro {
  readonly module: "v2" | "v5";
  /** Of go-micro, that choose the client and the server. */
  readonly flags: readonly string[];
}

const built = fileURLToPath(new URL("../../../.cache/interop", import.meta.url));

export function goProgram({ module }: Pick<GoMicro, "module">): Binary {
  const build = `npm run build:go -- ${module} (it needs Go 1.26 or later, https://go.dev/dl/)`;
  return requireBinary("bench", build, { ...process.env, PATH: `${built}/${module}` });
}
