import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
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

/**
 * For options of engines that several parts may share: paths of PEM files, for what `tls` takes as text. They are read anew
 * for each connection. Each of them means TLS.
 */
export interface TlsPaths {
  tlsCaFile?: string;
  tlsCertFile?: string;
  tlsKeyFile?: string;
}

/** Whether connections to addresses that don't say so are to use TLS. */
export function wantsTls(options: Pick<PartOptions, "secure" | "tls"> & TlsPaths): boolean {
  const { secure, tls, tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  return secure === true || [tls, tlsCaFile, tlsCertFile, tlsKeyFile].some((given) => given !== undefined);
}

/** What `clientTls` takes for one connection. @throws Error naming the file that can't be read */
export async function readTls(options: Pick<PartOptions, "tls"> & TlsPaths): Promise<TlsOptions> {
  const { tls, tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  return {
    ...tls,
    ...(tlsCaFile !== undefined && { ca: await readFile(tlsCaFile) }),
    ...(tlsCertFile !== undefined && { cert: await readFile(tlsCertFile) }),
    ...(tlsKeyFile !== undefined && { key: await readFile(tlsKeyFile) }),
  };
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest("go.micro.client.transport", `${what} can't be read: ${why}`, { cause });
  }
}
