import { parseServerUrl } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** One node, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly vhost?: string;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `amqp:` or `amqps:`. The port is 5672, with TLS 5671, unless given.
 *
 * @param secure whether addresses without a scheme mean TLS
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, secure: boolean): ServerAddress {
  const isTls = (scheme: string): boolean => secure || scheme === "amqps";
  const url = parseServerUrl(text, {
    engine: "RabbitMQ",
    errorId: brokerErrorId,
    schemes: ["amqp", "amqps"],
    port: (scheme) => (isTls(scheme) ? 5671 : 5672),
    example: "amqp://user:password@host:port/vhost",
  });
  const { scheme, host, port, hostPort, user, password = "", path: vhost } = url;
  return {
    host,
    port,
    hostPort,
    secure: isTls(scheme),
    ...(user !== undefined && { user, password }),
    ...(vhost !== "" && { vhost }),
  };
}
