import { fileURLToPath } from "node:url";

/** Where the certificate or key of that name is, of those in packages/conformance/fixtures/tls, for programs that read files. */
export function pemFile(name: string): string {
  return fileURLToPath(new URL(`../../../packages/conformance/fixtures/tls/${name}.pem`, import.meta.url));
}
