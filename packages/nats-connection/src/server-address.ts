import { parseServerUrl } from "ts-micro";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `nats:` or `tls:`. The port is 4222 unless given.
 * @param errorId the `id` of the error
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, errorId: string): ServerAddress {
  const url = parseServerUrl(text, {
    engine: "NATS",
    errorId,
    schemes: ["nats", "tls"],
    port: () => 4222,
    example: "nats://user:password@host:port",
  });
  const { scheme, host, hostPort, user, password, path } = url;
  if (path !== "") throw url.malformed("it is not a host and port");
  return {
    host,
    hostPort,
    secure: scheme === "tls",
    ...(user !== undefined && (password === undefined ? { token: user } : { user, password })),
  };
}
