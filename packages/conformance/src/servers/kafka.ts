import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Binary, requireBinary } from "../require-binary.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where Kafka's jars are, or why tests with it are skipped. `KAFKA_JARS` names another folder. */
export function kafka(env: Readonly<Record<string, string | undefined>> = process.env): Binary {
  const java = requireBinary("java", "apt-get install maven", env);
  const jars = env.KAFKA_JARS ?? fileURLToPath(new URL("../../../../../.cache/kafka", import.meta.url));
  if (java.skip !== false) return { path: jars, skip: java.skip };
  if (existsSync(jars) && readdirSync(jars).some((name) => name.startsWith("kafka_"))) {
    return { path: jars, skip: false };
  }
  const reason = "the jars of Kafka are missing, fetch them: npm run fetch:kafka";
  if (env.REQUIRE_SERVICES === "1") throw new Error(`${reason} (REQUIRE_SERVICES=1 forbids to skip)`);
  return { path: jars, skip: reason };
}

export interface KafkaOptions {
  /** Security protocol of the clients' port. @default "PLAINTEXT" */
  protocol?: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
  /** `host:port` that clients are told to use. @default its own */
  advertised?: string;
  /** More lines of its configuration. */
  config?: readonly string[];
}

/** One Kafka that is a cluster of its own, in KRaft mode; topics have four partitions unless they say otherwise. */
export function startKafka({
  protocol = "PLAINTEXT",
  advertised,
  config = [],
}: KafkaOptions = {}): Promise<ServerProcess> {
  const classes = join(kafka().path, "*");
  return startServerProcess({
    path: "/bin/sh",
    ports: 2,
    startTimeoutMs: 90_000,
    args: ([port, controller], data) => {
      mkdirSync(data, { recursive: true });
      const file = join(data, "server.properties");
      const lines = [
        "process.roles=broker,controller",
        "node.id=1",
        `controller.quorum.voters=1@127.0.0.1:${controller}`,
        `listeners=CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
        `advertised.listeners=CLIENT://${advertised ?? `127.0.0.1:${port}`}`,
        `listener.security.protocol.map=CLIENT:${protocol},CONTROLLER:PLAINTEXT`,
        "inter.broker.listener.name=CLIENT",
        "controller.listener.names=CONTROLLER",
        `log.dirs=${join(data, "logs")}`,
        "num.partitions=4",
        "message.max.bytes=8388608",
        "auto.create.topics.enable=false",
        "offsets.topic.num.partitions=1",
        "offsets.topic.replication.factor=1",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "group.initial.rebalance.delay.ms=0",
        "group.min.session.timeout.ms=1000",
        ...config,
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      const java = `java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '${classes}'`;
      const format = `${java} kafka.tools.StorageTool format --ignore-formatted -t AAAAAAAAAAAAAAAAAAAAAQ -c '${file}'`;
      return [
        "-c",
        `[ -e '${join(data, "logs", "meta.properties")}' ] || ${format}; exec ${java} kafka.Kafka '${file}'`,
      ];
    },
    probe: (address) => probe(address, protocol === "PLAINTEXT" ? versionsRequest : undefined),
  });
}

/** ApiVersions, version 0: a server that has its data answers. */
const versionsRequest = Buffer.from("0000000e001200000000000100046e6f6465", "hex");

/** Behind TLS or SASL it is enough that it takes connections, which is the last thing it begins with. */
function probe(address: string, request: Buffer | undefined): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    const end = (failure?: Error): void => {
      socket.destroy();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    socket.setTimeout(1_000, () => end(new Error("it says nothing")));
    socket.once("connect", () => (request === undefined ? end() : socket.write(request)));
    socket.once("data", () => end());
    socket.once("close", () => end(new Error("it closed the connection")));
    socket.once("error", end);
  });
}
