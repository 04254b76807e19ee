import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { clientTls, readTls } from "ts-micro/transport";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

/** @throws what `node:net` and `node:tls` throw, and Error after `timeoutMs` */
export async function dial(server: ServerAddress, options: MqttBrokerOptions): Promise<Socket> {
  const { timeoutMs = defaults.timeoutMs } = options;
  const { host, port } = server;
  const socket = server.secure
    ? connectSecure({ port, ...clientTls(await readTls(options), host) })
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
