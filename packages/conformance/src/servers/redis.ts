import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { connect as connectSecure } from "node:tls";
import { type Binary, requireBinary } from "../require-binary.ts";
import { tlsFixture } from "../tls-fixture.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where redis-server is, or why tests with it are skipped. */
export const redis = (): Binary => requireBinary("redis-server", "apt-get install redis-server");

export interface RedisOptions {
  /** Paths of PEM files: the port speaks TLS only. */
  tls?: { cert: string; key: string; ca: string };
  /** Every change is on the disk before it is answered. @default false: nothing is kept over a restart */
  durable?: boolean;
  /** More arguments for redis-server, such as `["--requirepass", "secret"]`. */
  args?: readonly string[];
}

/** One redis-server. */
export function startRedis({ tls, durable = false, args = [] }: RedisOptions = {}): Promise<ServerProcess> {
  const files = tls && ["--tls-cert-file", tls.cert, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.ca];
  return startServerProcess({
    path: redis().path,
    ports: 1,
    args: ([port], data) => {
      mkdirSync(data, { recursive: true });
      return [
        ...["--bind", "127.0.0.1", "--dir", data, "--save", ""],
        ...(files ? ["--port", "0", "--tls-port", String(port), ...files] : ["--port", String(port)]),
        ...(durable ? ["--appendonly", "yes", "--appendfsync", "always"] : []),
        ...args,
      ];
    },
    probe: (address) => probePing(address, tls !== undefined),
  });
}

/** Any answer but that it is still loading its data: it may ask for a password. */
async function probePing(address: string, secure: boolean): Promise<void> {
  const [host = "", port] = address.split(":");
  const target = { host, port: Number(port) };
  // The server may ask for a certificate.
  const options = { ...target, ...tlsFixture("client"), rejectUnauthorized: false };
  const socket = secure ? connectSecure(options) : connectPlain(target);
  try {
    socket.setTimeout(1_000, () => socket.destroy(new Error("it says nothing")));
    await once(socket, secure ? "secureConnect" : "connect");
    socket.write("PING\r\n");
    const [answer] = await once(socket, "data");
    if (String(answer).startsWith("-LOADING")) throw new Error("it is loading its data");
  } finally {
    socket.destroy();
  }
}
