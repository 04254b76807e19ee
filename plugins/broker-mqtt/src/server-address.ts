import { parseServerUrl } from "ts-micro";
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
}

/**
 * Reads `host`, `host:port` or a URL with one of MQTT's own schemes, or those of go-micro's plugin, `tcp:` and `ssl:`. The port
 * is 1883, with TLS 8883, unless given.
 *
 * @param secure whether addresses without a scheme mean TLS
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, secure: boolean): ServerAddress {
  const isTls = (scheme: string): boolean => secure || ["mqtts", "ssl"].includes(scheme);
  const url = parseServerUrl(text, {
    engine: "MQTT",
    errorId: brokerErrorId,
    schemes: ["mqtt", "tcp", "mqtts", "ssl"],
    port: (scheme) => (isTls(scheme) ? 8883 : 1883),
    example: "mqtt://user:password@host:port",
  });
  const { scheme, host, port, hostPort, user, password = "", path } = url;
  if (path !== "") throw url.malformed("it is not a host and port");
  return {
    host,
    port,
    hostPort,
    secure: isTls(scheme),
    ...(user !== undefined && { user, password }),
  };
}
