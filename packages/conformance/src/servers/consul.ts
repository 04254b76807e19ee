import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { requireBinary } from "../require-binary.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where `npm run build:go` puts it: Debian has none. */
const built = fileURLToPath(new URL("../../../../../.cache/interop/consul", import.meta.url));

/** Where Consul is, or why tests with it are skipped. */
export const consul = () =>
  requireBinary("consul", "npm run build:go (it needs Go 1.26 or later, https://go.dev/dl/)", {
    ...process.env,
    PATH: [process.env.PATH ?? "", built].join(delimiter),
  });

export interface ConsulOptions {
  /** Paths of PEM files: the port speaks TLS only. */
  tls?: { cert: string; key: string };
  /** More of its configuration, as HCL. */
  config?: string;
  /** Makes it a client of the servers that one of them leads to, by its address for gossip. */
  join?: string;
}

/** One agent: a server that is a datacenter of its own, or a client of one. */
export function startConsul({ tls, config = "", join }: ConsulOptions = {}): Promise<ServerProcess> {
  return startServerProcess({
    path: consul().path,
    ports: 3,
    args: ([http, serf, rpc], data) => [
      ...["agent", `-node=agent-${http}`, `-data-dir=${data}`, "-log-level=warn"],
      ...(join === undefined ? ["-server", "-bootstrap-expect=1"] : [`-retry-join=${join}`]),
      ...["-bind=127.0.0.1", "-client=127.0.0.1", `-serf-lan-port=${serf}`, "-serf-wan-port=-1"],
      ...[`-server-port=${rpc}`, "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1"],
      "-hcl=performance { raft_multiplier = 1 }",
      ...(tls === undefined
        ? [`-http-port=${http}`]
        : [
            ...["-http-port=-1", `-https-port=${http}`],
            `-hcl=tls { https { cert_file = "${tls.cert}" key_file = "${tls.key}" } }`,
          ]),
      ...(config === "" ? [] : [`-hcl=${config}`]),
    ],
    probe: (address) => probeLeader(`${tls === undefined ? "http" : "https"}://${address}/v1/status/leader`),
  });
}

/** The agent answers with the leader's address when it has elected itself. */
function probeLeader(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? requestSecure : requestPlain;
    const asked = request(url, { rejectUnauthorized: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("error", reject).on("end", () => {
        if (response.statusCode === 200 && text.includes(":")) resolve();
        else reject(new Error(`/v1/status/leader answers ${response.statusCode} ${text}`));
      });
    });
    asked.setTimeout(1_000, () => asked.destroy(new Error("/v1/status/leader doesn't answer")));
    asked.on("error", reject).end();
  });
}
