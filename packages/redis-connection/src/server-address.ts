import { parseServerUrl } from "ts-micro";

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
  const url = parseServerUrl(text, {
    engine: "Redis",
    errorId,
    schemes: ["redis", "rediss"],
    port: () => 6379,
    example: "redis://user:password@host:port/0",
  });
  const { scheme, host, port, hostPort, user, password, path } = url;
  if (!/^\d*$/.test(path)) throw url.malformed(`its database ${JSON.stringify(path)} is no number`);
  return {
    host,
    port,
    hostPort,
    secure: scheme === "rediss",
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(path !== "" && { redisDatabase: Number(path) }),
  };
}
