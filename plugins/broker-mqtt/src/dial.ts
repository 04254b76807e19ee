import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import type { TlsOptions } from "ts-micro";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

/** @throws what `node:net` and `node:tls` throw, and Error after `timeoutMs` */
export async function dial(server: ServerAddress, options: MqttBrokerOptions): Promise<Socket> {
  const { timeoutMs = defaults.timeoutMs } = options;
  const { host, port } = server;
  const socket = server.secure
    ? connectSecure({ host, port, ...(await tlsOf(server, options)) })
    : connectPlain({ host, port });
  socket.setNoDelay(true);
  const timer = setTimeout(
    () => socket.destroy(new Error(`it doesn't answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    await once(socket, server.secure ? "secureConnect" : "connect");
    return socket;
  } finally {
    clearTimeout(timer);
  }
}

async function tlsOf(server: ServerAddress, options: MqttBrokerOptions): Promise<object> {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  const files: TlsOptions = {
    ...(tlsCaFile !== undefined && { ca: await readFile(tlsCaFile) }),
    ...(tlsCertFile !== undefined && { cert: await readFile(tlsCertFile) }),
    ...(tlsKeyFile !== undefined && { key: await readFile(tlsKeyFile) }),
  };
  const { serverName = server.host, insecureSkipVerify, ca, cert, key } = { ...options.tls, ...files };
  return {
    // An IP address may not be sent as a server name (RFC 6066 §3); it is compared all the same.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: insecureSkipVerify !== true,
  };
}
