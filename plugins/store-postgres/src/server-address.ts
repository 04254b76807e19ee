import { parseServerUrl } from "ts-micro";
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
  const url = parseServerUrl(text, {
    engine: "PostgreSQL",
    errorId: storeId,
    schemes: ["postgres", "postgresql"],
    port: () => 5432,
    example: "postgres://user:password@host:port/database",
  });
  const { host, port, hostPort, user, password, path: database, parameters } = url;
  const others = [...parameters.keys()].filter((name) => name !== "sslmode");
  if (others.length > 0)
    throw url.malformed(`of its parameters only sslmode is known, not ${others.join(", ")}`);
  const sslmode = parameters.get("sslmode");
  return {
    host,
    port,
    hostPort,
    ...(sslmode !== null && { secure: sslmode !== "disable" }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== "" && { postgresDatabase: database }),
  };
}
