import { badRequest, type MicroError } from "./errors.ts";

/** How one engine's addresses are written. */
export interface ServerUrlForm {
  /** The engine, for the error: `NATS`. */
  readonly engine: string;
  /** The `id` of the error. */
  readonly errorId: string;
  /** In lower case. The first one is meant where none is written. */
  readonly schemes: readonly [string, ...string[]];
  /** What is meant where none is written. */
  port(scheme: string): number;
  /** For the error: `nats://user:password@host:port`. */
  readonly example: string;
}

/** One server, and what its address says about how to log in. */
export interface ServerUrl {
  /** In lower case. */
  readonly scheme: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly user?: string;
  readonly password?: string;
  /** The one part that follows the slash, decoded; empty without. */
  readonly path: string;
  readonly parameters: URLSearchParams;
  /** The error for a part of it that the engine doesn't know, such as a path. */
  malformed(why: string): MicroError;
}

/**
 * Reads `host`, `host:port`, or a URL with credentials.
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerUrl(text: string, form: ServerUrlForm): ServerUrl {
  const address = text.trim();
  const malformed = (why: string): MicroError => {
    const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@").replace(/\?.*$/s, ""));
    const detail = `${form.engine} address ${shown}: ${why}; write host:port or ${form.example}`;
    return badRequest(form.errorId, detail);
  };
  const [, written = form.schemes[0]] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  const scheme = written.toLowerCase();
  if (!form.schemes.includes(scheme)) throw malformed(`its scheme is ${written}:`);
  const url = parse(`server://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "") throw malformed("it is not a host and port");
  if (url.pathname.lastIndexOf("/") > 0) throw malformed("its path has several parts");
  const [user = "", password = "", path = ""] = [url.username, url.password, url.pathname.slice(1)].map(
    decodeURIComponent,
  );
  const port = url.port === "" ? form.port(scheme) : Number(url.port);
  return {
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    hostPort: `${url.hostname}:${port}`,
    ...(user !== "" && { user }),
    ...(password !== "" && { password }),
    path,
    parameters: url.searchParams,
    malformed,
  };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    // Malformed escapes are found here, so that no error shows them.
    decodeURIComponent(url.username + url.password + url.pathname);
    return url;
  } catch {
    return undefined;
  }
}
