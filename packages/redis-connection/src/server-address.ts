import { badRequest } from "ts-micro";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly redisDatabase?: number;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `redis:` or `rediss:`, as IANA has them. The port is 6379 unless
 * given.
 * @param errorId the `id` of the error
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, errorId: string): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@"));
  const [, scheme = "redis"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  if (!["redis", "rediss"].includes(scheme.toLowerCase()))
    throw malformed(errorId, shown, `its scheme is ${scheme}:`);
  const url = parse(`redis://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "") throw malformed(errorId, shown, "it is no host and port");
  const path = /^\/?(\d*)$/.exec(url.pathname);
  if (path === null)
    throw malformed(errorId, shown, `its database ${JSON.stringify(url.pathname)} is no number`);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const port = url.port === "" ? 6379 : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    hostPort: `${url.hostname}:${port}`,
    secure: scheme.toLowerCase() === "rediss",
    ...(user !== "" && { user }),
    ...(password !== "" && { password }),
    ...(path[1] !== "" && { redisDatabase: Number(path[1]) }),
  };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    // Malformed escapes are found here, so that no error shows them.
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return undefined;
  }
}

function malformed(errorId: string, shown: string, why: string) {
  return badRequest(
    errorId,
    `Redis address ${shown}: ${why}; write host:port or redis://user:password@host:port/0`,
  );
}
