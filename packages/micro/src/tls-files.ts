import { readFileSync } from "node:fs";
import { badRequest } from "./errors.ts";
import type { PartOptions, TlsOptions } from "./parts.ts";
import { tlsOf } from "./tls.ts";

/** For options that flags can give: paths of PEM files, read once when the part is made. Each joins `tls`. */
export interface TlsFiles {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/**
 * The TLS options in force, `undefined` for plain TCP; a file means TLS.
 * @param owner the engine, for the error
 * @throws MicroError 400 naming the file that can't be read
 */
export function tlsWithFiles(
  options: Pick<PartOptions, "secure" | "tls"> & TlsFiles,
  owner: string,
): TlsOptions | undefined {
  const { caFile, certFile, keyFile } = options;
  const files = {
    ...(caFile !== undefined && { ca: read(caFile, `${owner} caFile`) }),
    ...(certFile !== undefined && { cert: read(certFile, `${owner} certFile`) }),
    ...(keyFile !== undefined && { key: read(keyFile, `${owner} keyFile`) }),
  };
  return Object.keys(files).length === 0 ? tlsOf(options) : { ...options.tls, ...files };
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest("go.micro.client.transport", `${what} can't be read: ${why}`, { cause });
  }
}
