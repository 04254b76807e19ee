import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly database?: number;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `redis:` or `rediss:`, as IANA has them. The port is 6379 unless
 * given.
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@"));
  const [, scheme = "redis"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  if (!["redis", "rediss"].includes(scheme.toLowerCase())) throw malformed(shown, `its scheme is ${scheme}:`);
  const url = parse(`redis://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "") throw malformed(shown, "it is no host and port");
  const path = /^\/?(\d*)$/.exec(url.pathname);
  if (path === null) throw malformed(shown, `its database ${JSON.stringify(url.pathname)} is no number`);
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
    ...(path[1] !== "" && { database: Number(path[1]) }),
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

function malformed(shown: string, why: string) {
  return badRequest(
    brokerErrorId,
    `Redis address ${shown}: ${why}; write host:port or redis://user:password@host:port/0`,
  );
}
