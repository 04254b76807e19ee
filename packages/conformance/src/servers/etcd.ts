import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { requireBinary } from "../require-binary.ts";
import {
  freePorts,
  type ServerCluster,
  type ServerProcess,
  startCluster,
  startServerProcess,
} from "./server-process.ts";

/** Where etcd is, or why tests with it are skipped. */
export const etcd = () => requireBinary("etcd", "apt-get install etcd-server");

export interface EtcdOptions {
  /** Paths of PEM files: the client port speaks TLS only. */
  tls?: { cert: string; key: string };
  /** More arguments for etcd. */
  args?: readonly string[];
}

/** One etcd that is a cluster of its own. */
export function startEtcd(options: EtcdOptions = {}): Promise<ServerProcess> {
  return startMember(2, options);
}

function startMember(
  ports: number | readonly number[],
  { tls, args = [] }: EtcdOptions,
): Promise<ServerProcess> {
  const scheme = tls === undefined ? "http" : "https";
  return startServerProcess({
    path: etcd().path,
    ports,
    args: ([client, peer], data) => [
      ...["--data-dir", data, "--logger=zap", "--log-outputs=stderr"],
      ...["--listen-client-urls", `${scheme}://127.0.0.1:${client}`],
      ...["--advertise-client-urls", `${scheme}://127.0.0.1:${client}`],
      ...["--listen-peer-urls", `http://127.0.0.1:${peer}`],
      ...["--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`],
      ...["--initial-cluster", `default=http://127.0.0.1:${peer}`],
      ...(tls === undefined ? [] : ["--cert-file", tls.cert, "--key-file", tls.key]),
      ...args,
    ],
    probe: (address) => probeHealth(`${scheme}://${address}/health`),
  });
}

/** Three members of one cluster, which goes on without each of them. */
export async function startEtcdCluster(): Promise<ServerCluster> {
  const clients = await freePorts(3);
  const peers = await freePorts(3);
  const nameOf = (index: number): string => `member-${index}`;
  const all = peers.map((port, index) => `${nameOf(index)}=http://127.0.0.1:${port}`).join(",");
  return startCluster(
    clients.map((client, index) => {
      const peer = peers[index] as number;
      // Of an argument that is given twice the last counts.
      const args = ["--name", nameOf(index), "--initial-cluster", all];
      return startMember([client, peer], { args });
    }),
  );
}

/** etcd says that it is healthy when it has elected a leader. */
function probeHealth(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? requestSecure : requestPlain;
    const asked = request(url, { rejectUnauthorized: false }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`/health answers ${response.statusCode}`));
    });
    asked.setTimeout(1_000, () => asked.destroy(new Error("/health doesn't answer")));
    asked.on("error", reject).end();
  });
}
