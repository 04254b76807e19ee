/** The rows about a service that is killed under load and comes back on another port: Go's under calls of ours, and ours under calls of Go's. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startEtcd } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { Greeter } from "../gen/greeter/greeter_pb.ts";
import type { GoMicro } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { type Running, serve } from "../program.ts";
import { until } from "../until.ts";
import { type Load, loadByGo, loadByOurs } from "./load.ts";

const ourProgram = fileURLToPath(new URL("greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** @param unforgotten the note on Go's clients that go on calling a dead node on mDNS */
export function restartRows(go: GoMicro, unforgotten: string): void {
  const { toGo, fromGo } = go;
  let server: ServerProcess;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const registry of ["mDNS", "etcd"]) {
    const flags = (): string[] =>
      registry === "mDNS" ? [] : ["--registry=etcd", `--registry_address=${server.address}`];
    const own = (): string[] => [
      ...flags(),
      ...["--server_address=127.0.0.1:0", "--register_ttl=2", "--register_interval=1"],
    ];

    async function caller(): Promise<Service> {
      const argv = [...flags(), "--client_request_timeout=5s"];
      const service = newService({ name: "interop.caller", root, argv, env: { MICRO_LOG_LEVEL: "error" } });
      await service.init();
      return service;
    }

    for (const protocol of ["grpc", "mucp"]) {
      const serveGo = (name: string): Promise<Running> =>
        serve(
          go.program("server").path,
          [...own(), `--server=${protocol}`, `--server_name=${name}`],
          /listening on \S+/,
          {
            SERVICE: name,
          },
        );
      const serveOurs = (name: string): Promise<Running> =>
        serve(process.execPath, [ourProgram, ...own()], /also speaks grpc on \S+/, { SERVICE: name });

      test(`${protocol}, ${registry}: ${toGo}`, async () => {
        const name = newName();
        const first = await serveGo(name);
        await using service = await caller();
        await using load = loadByOurs(service.for(Greeter, { service: name }));
        await using back = await restart(first, () => serveGo(name), load);
        await until(() => back.recovered());
      });

      test(`one of two, no call fails, ${protocol}, ${registry}: ${toGo}`, async () => {
        const name = newName();
        const first = await serveGo(name);
        await using _second = await serveGo(name);
        await using service = await caller();
        await until(async () => (await service.registry.getService(name))[0]?.nodes.length === 2);
        await using load = loadByOurs(service.for(Greeter, { service: name }), { idempotent: true });
        await using back = await restart(first, () => serveGo(name), load);
        await until(() => back.recovered());
        assert.deepEqual(new Set(load.outcomes()), new Set(["ok"]));
      });

      test(`${protocol}, ${registry}: ${fromGo}${registry === "mDNS" ? ` [${unforgotten}]` : ""}`, async () => {
        const name = newName();
        const first = await serveOurs(name);
        await using load = await loadByGo(go, name, [...flags(), `--client=${protocol}`]);
        await using back = await restart(first, () => serveOurs(name), load);
        await until(() => (registry === "mDNS" ? back.ok() >= 100 : back.recovered()));
      });
    }
  }
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
