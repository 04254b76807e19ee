import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Binary, requireBinary } from "../require-binary.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where mosquitto is, or why tests with it are skipped. */
export const mosquitto = (): Binary => requireBinary("mosquitto", "apt-get install mosquitto");

export interface MosquittoOptions {
  /** Lines of its configuration file, such as `password_file /path`. @default "allow_anonymous true" */
  config?: string;
  /** Paths of PEM files: its port speaks TLS only. */
  tls?: { cert: string; key: string };
}

/** One mosquitto that keeps its state when it is stopped. Killed, it keeps what it had saved: it saves every second. */
export function startMosquitto({
  config = "allow_anonymous true",
  tls,
}: MosquittoOptions = {}): Promise<ServerProcess> {
  return startServerProcess({
    path: mosquitto().path,
    ports: 1,
    args: ([port], data) => {
      mkdirSync(data, { recursive: true });
      const file = join(data, "mosquitto.conf");
      const lines = [
        // As root it would become another user, who may not write here.
        "user root",
        `persistence true\npersistence_location ${data}/\nautosave_interval 1`,
        "max_queued_messages 100000",
        `listener ${port} 127.0.0.1`,
        ...(tls === undefined ? [] : [`certfile ${tls.cert}`, `keyfile ${tls.key}`]),
        config,
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      return ["-c", file];
    },
    probe: probePort,
  });
}

function probePort(address: string): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
