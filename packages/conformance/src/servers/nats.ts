import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Binary, requireBinary } from "../require-binary.ts";
import {
  freePorts,
  type ServerCluster,
  type ServerProcess,
  startCluster,
  startServerProcess,
} from "./server-process.ts";

/** Where nats-server is, or why tests with it are skipped. */
export const nats = (): Binary => requireBinary("nats-server", "apt-get install nats-server");

export interface NatsOptions {
  /** Lines of its configuration file, such as `authorization { token: secret }`. */
  config?: string;
  /** With JetStream, which keeps its streams in the data folder. @default false */
  jetstream?: boolean;
  /** More arguments for nats-server. */
  args?: readonly string[];
}

/** One nats-server that takes messages of 8 MiB. */
export function startNats(options: NatsOptions = {}): Promise<ServerProcess> {
  return start(1, options);
}

/** Three nats-servers that are a cluster. With JetStream a stream of three replicas survives each of them. */
export async function startNatsCluster(options: NatsOptions = {}): Promise<ServerCluster> {
  const clients = await freePorts(3);
  const peers = await freePorts(3);
  const routes = peers.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  return startCluster(
    clients.map((client, index) => {
      const cluster = `cluster { name: test, listen: "127.0.0.1:${peers[index]}", routes: [${routes}] }`;
      const config = `server_name: member-${index}\n${cluster}\n${options.config ?? ""}`;
      return start([client], { ...options, config });
    }),
  );
}

function start(
  ports: number | readonly number[],
  { config = "", jetstream = false, args = [] }: NatsOptions,
): Promise<ServerProcess> {
  return startServerProcess({
    path: nats().path,
    ports,
    args: ([port], data) => {
      mkdirSync(data, { recursive: true });
      const file = join(data, "nats.conf");
      const store = jetstream ? `jetstream { store_dir: "${join(data, "jetstream")}" }\n` : "";
      writeFileSync(file, `max_payload: 8388608\n${store}${config}\n`);
      return ["--addr", "127.0.0.1", "--port", String(port), "--config", file, ...args];
    },
    probe: probeInfo,
  });
}

/** A NATS server speaks first, over TLS too. */
function probeInfo(address: string): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    const end = (failure?: Error): void => {
      socket.destroy();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    socket.setTimeout(1_000, () => end(new Error("it says nothing")));
    socket.once("data", (bytes) =>
      end(bytes.toString().startsWith("INFO ") ? undefined : new Error("no INFO")),
    );
    socket.once("error", end);
  });
}
