import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Binary, requireBinary } from "../require-binary.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/**
 * Where RabbitMQ is, or why tests with it are skipped. Debian's `rabbitmq-server` in `PATH` changes the user, so that
 * signals would hit something else: the script behind it is used.
 */
export const rabbitmq = (): Binary =>
  requireBinary("rabbitmq-server", "apt-get install rabbitmq-server", {
    ...process.env,
    PATH: `/usr/lib/rabbitmq/bin:${process.env.PATH ?? ""}`,
  });

export interface RabbitmqOptions {
  /** Lines of its configuration file, such as `default_pass = secret`. */
  config?: string;
  /** What `load_definitions` reads: users, permissions, queues. It replaces the user guest. */
  definitions?: object;
  /** Paths of PEM files: a second port speaks TLS, and takes clients without a certificate or with one of that CA. */
  tls?: { cert: string; key: string; ca: string };
}

export interface RabbitmqProcess extends ServerProcess {
  /** `host:port` for clients that speak TLS; nobody listens there without `tls`. */
  readonly tlsAddress: string;
  /** Runs `rabbitmqctl` with these words, and returns what it writes. @throws Error with what it writes when it fails */
  control(...words: string[]): Promise<string>;
}

/** One RabbitMQ, a cluster of its own, with an epmd of its own: Erlang's would be shared and outlive the test. */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqProcess> {
  const epmd = await startServerProcess({
    path: requireBinary("epmd", "apt-get install erlang-base").path,
    ports: 1,
    args: ([port]) => ["-address", "127.0.0.1", "-port", String(port)],
    probe: (address) => probeBytes(address),
  });
  const [, epmdPort = ""] = epmd.address.split(":");
  let tlsAddress = "";
  let env: Record<string, string> = {};
  const started = startServerProcess({
    path: rabbitmq().path,
    ports: 3,
    args: () => [],
    env: ([port, tlsPort, distributionPort], data) => {
      tlsAddress = `127.0.0.1:${tlsPort}`;
      env = {
        ...writeFiles(data, [port, tlsPort], options),
        RABBITMQ_NODENAME: `ts-micro-${port}@localhost`,
        RABBITMQ_DIST_PORT: String(distributionPort),
        ERL_EPMD_PORT: epmdPort,
        // Not where the tests were started.
        ERL_CRASH_DUMP: `${data}/erl_crash.dump`,
        // The script then becomes the server, instead of a shell that waits for it.
        detached: "true",
        // One thread that runs Erlang is enough, and a test machine has other work.
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1",
      };
      return env;
    },
    probe: (address) => probeBytes(address, Buffer.from("AMQP\0\0\x09\x01", "latin1")),
    startTimeoutMs: 90_000,
  });
  const server = await started.catch(async (thrown: unknown) => {
    await epmd[Symbol.asyncDispose]();
    throw thrown;
  });
  return {
    address: server.address,
    tlsAddress,
    get pid() {
      return server.pid;
    },
    stop: server.stop,
    kill: server.kill,
    start: server.start,
    async control(...words) {
      const cookie = await readFile(join(env.HOME ?? "", ".erlang.cookie"), "utf8");
      const target = ["-n", env.RABBITMQ_NODENAME ?? "", "--erlang-cookie", cookie];
      const program = join(dirname(rabbitmq().path), "rabbitmqctl");
      const { stdout } = await promisify(execFile)(program, [...target, ...words], {
        env: { ...process.env, ...env },
      });
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await epmd[Symbol.asyncDispose]();
    },
  };
}

/** Returns the variables that name the files. */
function writeFiles(
  data: string,
  [port, tlsPort]: readonly (number | undefined)[],
  { config = "", definitions, tls }: RabbitmqOptions,
): Record<string, string> {
  mkdirSync(data, { recursive: true });
  const file = (name: string, text: string): string => {
    const path = join(data, name);
    writeFileSync(path, text);
    return path;
  };
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    "log.console = true",
    "log.console.level = warning",
    ...(tls === undefined
      ? []
      : [
          `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
          `ssl_options.certfile = ${tls.cert}`,
          `ssl_options.keyfile = ${tls.key}`,
          `ssl_options.cacertfile = ${tls.ca}`,
          "ssl_options.verify = verify_peer",
          "ssl_options.fail_if_no_peer_cert = false",
        ]),
    ...(definitions === undefined
      ? []
      : [`load_definitions = ${file("definitions.json", JSON.stringify(definitions))}`]),
    config,
    "",
  ];
  return {
    // Erlang's cookie is made here.
    HOME: data,
    RABBITMQ_CONFIG_FILE: file("rabbitmq.conf", lines.join("\n")),
    RABBITMQ_ENABLED_PLUGINS_FILE: file("enabled_plugins", "[].\n"),
    RABBITMQ_MNESIA_BASE: join(data, "mnesia"),
    RABBITMQ_LOG_BASE: join(data, "log"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_GENERATED_CONFIG_DIR: join(data, "config"),
    RABBITMQ_PID_FILE: join(data, "pid"),
  };
}

/** Resolves when the server answers the greeting with bytes; without a greeting, when it takes the connection. */
function probeBytes(address: string, greeting?: Buffer): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    const end = (failure?: Error): void => {
      socket.destroy();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    socket.setTimeout(1_000, () => end(new Error("it says nothing")));
    socket.once("connect", () => (greeting === undefined ? end() : socket.write(greeting)));
    socket.once("data", () => end());
    socket.once("end", () => end(new Error("it hangs up")));
    socket.once("error", end);
  });
}
