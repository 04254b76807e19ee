import { badRequest } from "ts-micro";
import { storeId } from "ts-micro/store";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  /** Undefined when the address says nothing about it. */
  readonly secure?: boolean;
  readonly user?: string;
  readonly password?: string;
  /** PostgreSQL's own, not the store's. */
  readonly postgresDatabase?: string;
}

/**
 * Reads `host`, `host:port` or a URL `postgres://user:password@host:port/database?sslmode=…`. The port is 5432 unless
 * given. Every `sslmode` but `disable` is `verify-full` here.
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@").replace(/\?.*$/s, ""));
  const [, scheme = "postgres"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  if (!["postgres", "postgresql"].includes(scheme.toLowerCase())) {
    throw malformed(shown, `its scheme is ${scheme}:`);
  }
  const url = parse(`postgres://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "") throw malformed(shown, "it is no host and port");
  const others = [...url.searchParams.keys()].filter((name) => name !== "sslmode");
  if (others.length > 0)
    throw malformed(shown, `of its parameters only sslmode is known, not ${others.join(", ")}`);
  const sslmode = url.searchParams.get("sslmode");
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(
    decodeURIComponent,
  );
  const port = url.port === "" ? 5432 : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    hostPort: `${url.hostname}:${port}`,
    ...(sslmode !== null && { secure: sslmode !== "disable" }),
    ...(user !== "" && user !== undefined && { user }),
    ...(password !== "" && password !== undefined && { password }),
    ...(database !== "" && database !== undefined && { postgresDatabase: database }),
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

function malformed(shown: string, why: string) {
  return badRequest(
    storeId,
    `PostgreSQL address ${shown}: ${why}; write host:port or postgres://user:password@host:port/database`,
  );
}
