/** The rows about a service that is killed under load and comes back on another port: Go's under calls of ours, and ours under calls of Go's. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startEtcd } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { Greeter } from "../gen/greeter/greeter_pb.ts";
import { type GoMicro, ours } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { type Running, serve } from "../program.ts";
import { until } from "../until.ts";
import { type Load, loadByGo, loadByOurs } from "./load.ts";

const ourProgram = fileURLToPath(new URL("../greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A service as a process, until it is ended. */
type Serve = (name: string) => Promise<Running>;

const protocols = ["grpc", "mucp"] as const;

/** @param unforgotten the note on Go's clients that go on calling a dead node on mDNS */
export function restartRows(go: GoMicro, unforgotten: string): void {
  forEachRegistry((registry, flags) => {
    for (const protocol of protocols) {
      const row = `${protocol}, ${registry}`;
      const serveGo: Serve = (name) => {
        const own = [...flags(), ...lease, `--server=${protocol}`, `--server_name=${name}`];
        return serve(go.program("server").path, own, /listening on \S+/, { SERVICE: name });
      };
      ourCallsTo(`${row}: ${go.toGo}`, serveGo, flags);

      test(`${row}: ${go.fromGo}${registry === "mDNS" ? ` [${unforgotten}]` : ""}`, async () => {
        const name = newName();
        const first = await serveOurs(name, flags());
        await using load = await loadByGo(go, name, [...flags(), `--client=${protocol}`]);
        await using back = await restart(first, () => serveOurs(name, flags()), load);
        await until(() => (registry === "mDNS" ? back.ok() >= 100 : back.recovered()));
      });
    }
  });
}

/** The same between services of ours, which choose the protocol at the client. */
export function ourRestartRows(): void {
  forEachRegistry((registry, flags) => {
    for (const protocol of [...protocols, "nothing chosen"]) {
      const chosen = protocol === "nothing chosen" ? [] : [`--client=${protocol}`];
      const own = () => [...flags(), ...chosen];
      ourCallsTo(`${protocol}, ${registry}: ${ours}`, (name) => serveOurs(name, flags()), own);
    }
  });
}

function forEachRegistry(each: (registry: string, flags: () => readonly string[]) => void): void {
  let server: ServerProcess;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server[Symbol.asyncDispose]());
  each("mDNS", () => []);
  each("etcd", () => ["--registry=etcd", `--registry_address=${server.address}`]);
}

/** @param flags those of our caller */
function ourCallsTo(cell: string, serveOne: Serve, flags: () => readonly string[]): void {
  async function caller(): Promise<Service> {
    const argv = [...flags(), "--client_request_timeout=5s"];
    const service = newService({ name: "interop.caller", root, argv, env: { MICRO_LOG_LEVEL: "error" } });
    await service.init();
    return service;
  }

  test(cell, async () => {
    const name = newName();
    const first = await serveOne(name);
    await using service = await caller();
    await using load = loadByOurs(service.for(Greeter, { service: name }));
    await using back = await restart(first, () => serveOne(name), load);
    await until(() => back.recovered());
  });

  test(`one of two, no call fails, ${cell}`, async () => {
    const name = newName();
    const first = await serveOne(name);
    await using _second = await serveOne(name);
    await using service = await caller();
    await until(async () => (await service.registry.getService(name))[0]?.nodes.length === 2);
    await using load = loadByOurs(service.for(Greeter, { service: name }), { idempotent: true });
    await using back = await restart(first, () => serveOne(name), load);
    await until(() => back.recovered());
    assert.deepEqual(new Set(load.outcomes()), new Set(["ok"]));
  });
}

/** On any port, and forgotten by etcd two seconds after its end. */
const lease = ["--server_address=127.0.0.1:0", "--register_ttl=2", "--register_interval=1"];

function serveOurs(name: string, flags: readonly string[]): Promise<Running> {
  const own = [ourProgram, ...flags, ...lease];
  return serve(process.execPath, own, /also speaks grpc on \S+/, { SERVICE: name });
}

interface Back extends AsyncDisposable {
  /** How many calls went well since it is back. */
  ok(): number;
  /** The last 200 calls went well, all since it is back. */
  recovered(): boolean;
}

/** Kills the first once it is well under load, and starts another. No call may get the answer of another one. */
async function restart(first: Running, start: () => Promise<Running>, load: Load): Promise<Back> {
  await until(() => okIn(load.outcomes()) >= 100);
  await first[Symbol.asyncDispose]();
  const second = await start();
  const since = load.outcomes().length;
  return {
    ok: () => okIn(load.outcomes().slice(since)),
    recovered() {
      const last = load.outcomes().slice(since).slice(-200);
      return last.length === 200 && okIn(last) === 200;
    },
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]();
      const strange = load.outcomes().filter((outcome) => /^wrong|without a MicroError/.test(outcome));
      assert.deepEqual(strange, []);
    },
  };
}

function okIn(outcomes: readonly string[]): number {
  return outcomes.filter((outcome) => outcome === "ok").length;
}
