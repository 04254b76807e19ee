import { readFileSync } from "node:fs";

/** Certificates for tests, as PEM. fixtures/tls/README.md says what each of them is. */
export type TlsFixture = "ca" | "stranger" | "server" | "elsewhere" | "expired" | "client";

/** The certificate of that name. */
export function certificate(name: TlsFixture): string {
  return read(`${name}.pem`);
}

/** Certificate and key of that name, as `TlsOptions` take them. */
export function tlsFixture(name: Exclude<TlsFixture, "ca" | "stranger">): { cert: string; key: string } {
  return { cert: certificate(name), key: read(`${name}-key.pem`) };
}

function read(file: string): string {
  return readFileSync(new URL(`../../fixtures/tls/${file}`, import.meta.url), "utf8");
}
