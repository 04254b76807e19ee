import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { badRequest } from "./errors.ts";
import type { PartOptions, TlsOptions } from "./parts.ts";
import { tlsOf } from "./tls.ts";

/** For options that flags can give: paths of PEM files, in place of the texts in `tls`. Each of them means TLS. */
export interface TlsPaths {
  tlsCaFile?: string;
  tlsCertFile?: string;
  tlsKeyFile?: string;
}

/**
 * The TLS options in force, `undefined` for plain TCP. Files are read once: now.
 * @param owner the engine, for the error
 * @throws MicroError 400 naming the file that can't be read
 */
export function tlsWithFiles(
  options: Pick<PartOptions, "secure" | "tls"> & TlsPaths,
  owner: string,
): TlsOptions | undefined {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  const files = {
    ...(tlsCaFile !== undefined && { ca: read(tlsCaFile, `${owner} tlsCaFile`) }),
    ...(tlsCertFile !== undefined && { cert: read(tlsCertFile, `${owner} tlsCertFile`) }),
    ...(tlsKeyFile !== undefined && { key: read(tlsKeyFile, `${owner} tlsKeyFile`) }),
  };
  return Object.keys(files).length === 0 ? tlsOf(options) : { ...options.tls, ...files };
}

/** Whether connections to addresses that don't say so are to use TLS. */
export function wantsTls(options: Pick<PartOptions, "secure" | "tls"> & TlsPaths): boolean {
  const { secure, tls, tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  return secure === true || [tls, tlsCaFile, tlsCertFile, tlsKeyFile].some((given) => given !== undefined);
}

/** What `clientTls` takes for one connection. Files are read anew each time. @throws Error naming the file that can't be read */
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
