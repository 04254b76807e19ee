/** Calls of mucp through NATS: v2 with its plugin, v5 with what it brings along. */
import { after, before, describe, test } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { type GoClient, startGoClient } from "../src/go-client.ts";
import { ours, v2, v5 } from "../src/go-micro.ts";
import { serveGreeter } from "../src/greeter.ts";
import { newName } from "../src/new-name.ts";
import { type Running, serve } from "../src/program.ts";
import { callsByOurs, seenByOurs } from "../src/rows/calls-by-ours.ts";
import { callsFromGo } from "../src/rows/calls-from-go.ts";

const rows = [
  "unary",
  "64 calls in flight",
  "error of a handler",
  "timeout",
  "stream both ways, an answer at a time",
] as const;
const contentType = "application/json";

describe("through NATS", { skip: nats().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());
  const flags = () => [
    ...["--registry=nats", `--registry_address=${server.address}`],
    ...["--transport=nats", `--transport_address=${server.address}`],
  ];

  async function ourService(name: string): Promise<Service> {
    const argv = [...flags(), "--client=mucp", "--server=mucp", "--client_request_timeout=20s"];
    const service = newService({ name, argv, env: { MICRO_LOG_LEVEL: "fatal" } });
    await service.init();
    return service;
  }

  async function ourGreeter(name: string): Promise<Service> {
    const service = await ourService(name);
    serveGreeter(service);
    await service.start();
    return service;
  }

  /** @param start starts a greeter of that name */
  function callsOfOurs(column: string, start: (name: string) => Promise<AsyncDisposable>): void {
    const name = newName();
    let greeter: AsyncDisposable;
    let caller: Service;
    before(async () => {
      greeter = await start(name);
      caller = await ourService(`${name}-caller`);
    });
    after(async () => {
      await caller.stop();
      await greeter[Symbol.asyncDispose]();
    });
    for (const row of rows) {
      test(`${row}: ${column}`, () => callsByOurs[row]?.(seenByOurs(caller, name, { contentType })));
    }
  }

  for (const go of [v2, v5]) {
    describe(`with ${go.toGo}`, { skip: go.program("server").skip }, () => {
      const serveGo = (name: string): Promise<Running> => {
        const own = [...flags(), "--server=mucp", `--server_name=${name}`];
        return serve(go.program("server").path, own, /listening on \S+/, { SERVICE: name });
      };
      callsOfOurs(go.toGo, serveGo);
    });

    describe(`with ${go.fromGo}`, { skip: go.program("client").skip }, () => {
      const name = newName();
      let greeter: Service;
      let client: GoClient;
      before(async () => {
        greeter = await ourGreeter(name);
        client = await startGoClient(go.program("client"), [...flags(), "--client=mucp"]);
      });
      after(async () => {
        await client[Symbol.asyncDispose]();
        await greeter.stop();
      });
      for (const row of rows) {
        test(`${row}: ${go.fromGo}`, () =>
          callsFromGo[row]?.({
            name,
            call: (endpoint, more) => client.call({ service: name, endpoint, contentType, ...more }),
          }));
      }
    });
  }

  describe("between ours", () => callsOfOurs(ours, ourGreeter));
});
