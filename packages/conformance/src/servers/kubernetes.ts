import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Binary, requireBinary } from "../require-binary.ts";
import { certificate, tlsFixture } from "../tls-fixture.ts";
import { etcd, startEtcd } from "./etcd.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where `npm run build:go` puts it: Debian has none. */
const built = fileURLToPath(new URL("../../../../../.cache/interop/kubernetes", import.meta.url));

/** Where Kubernetes' API server is, or why tests with it are skipped. It also needs etcd. */
export function kubernetes(): Binary {
  const server = requireBinary(
    "kube-apiserver",
    "npm run build:go (it needs Go 1.26 or later, https://go.dev/dl/)",
    {
      ...process.env,
      PATH: [process.env.PATH ?? "", built].join(delimiter),
    },
  );
  return { ...server, skip: server.skip || etcd().skip };
}

/** An API server that checks roles, and no more of Kubernetes: pods are only what is written about them. */
export interface KubernetesServer extends AsyncDisposable {
  /** `https` on this `host:port`, with the certificate `server` of the fixture. */
  readonly address: string;
  /** Of a user who may do everything. */
  readonly adminToken: string;
  /** Of a user `greeter` who may do what roles allow him. */
  readonly userToken: string;
  readonly process: ServerProcess;
  /** The parsed answer to a request of the admin. @throws Error with what it said, unless the status is 2xx */
  ask(method: string, path: string, body?: object): Promise<unknown>;
}

/** Starts an API server on an etcd of its own. */
export async function startKubernetes(): Promise<KubernetesServer> {
  const folder = await mkdtemp(join(tmpdir(), "ts-micro-kubernetes-"));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const { cert, key } = tlsFixture("server");
  const keyFile = await file("key.pem", key);
  const certFile = await file("cert.pem", cert);
  const [adminToken, userToken] = ["admins-token", "greeters-token"];
  const users = `${adminToken},admin,1,"system:masters"\n${userToken},greeter,2\n`;
  const tokens = await file("tokens.csv", users);
  const store = await startEtcd();
  const dispose = async (): Promise<void> => {
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const server = await startServerProcess({
      path: kubernetes().path,
      ports: 1,
      args: ([port]) => [
        ...[`--etcd-servers=http://${store.address}`, "--bind-address=127.0.0.1", `--secure-port=${port}`],
        ...[`--cert-dir=${folder}`, `--tls-cert-file=${certFile}`, `--tls-private-key-file=${keyFile}`],
        ...[`--token-auth-file=${tokens}`, "--authorization-mode=RBAC"],
        ...[`--service-account-key-file=${certFile}`, `--service-account-signing-key-file=${keyFile}`],
        ...[
          "--service-account-issuer=https://kubernetes.default.svc",
          "--service-cluster-ip-range=10.0.0.0/24",
        ],
        // Pods here have no service account, since nobody makes one.
        "--disable-admission-plugins=ServiceAccount",
      ],
      probe: (address) => ask(address, adminToken, "GET", "/readyz?verbose"),
      startTimeoutMs: 90_000,
    });
    return {
      address: server.address,
      adminToken,
      userToken,
      process: server,
      ask: async (method, path, body) =>
        JSON.parse(await ask(server.address, adminToken, method, path, body)),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const agent = new Agent({ keepAlive: true, maxFreeSockets: 1 });

function ask(address: string, token: string, method: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const type = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": type }) };
    const options = { agent, method, headers, ca: certificate("ca") };
    const asked = request(`https://${address}${path}`, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("error", reject).on("end", () => {
        const { statusCode = 500 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(text);
        else reject(new Error(`${method} ${path} answers ${statusCode}: ${text.slice(0, 1_000)}`));
      });
    });
    asked.setTimeout(10_000, () => asked.destroy(new Error(`${method} ${path} isn't answered`)));
    asked.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}
