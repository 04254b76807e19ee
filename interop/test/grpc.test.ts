/** gRPC's interop cases between ts-micro and grpc-go, in both roles. The names become the table in docs/interop.md. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newClient } from "@ts-micro/client-grpc";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Client } from "ts-micro/client";
import type { Server } from "ts-micro/server";
import { goProgram } from "../src/go-program.ts";
import { cases, newPeer } from "../src/grpc/cases.ts";
import { startServer } from "../src/grpc/start-server.ts";
import { newTestService } from "../src/grpc/test-service.ts";
import { pemFile } from "../src/pem-file.ts";
import { type Running, run, serve } from "../src/program.ts";

const goClient = goProgram("grpc", "client");
const goServer = goProgram("grpc", "server");
// grpc-go's own programs know nothing of compression.
const compressed = goProgram("grpc", "compressed");
const isCompressed = (name: string): boolean => name.includes("compressed");

const overTls = ["empty_unary", "large_unary", "ping_pong", "status_code_and_message", "custom_metadata"];

describe("a grpc-go client and our server", { skip: goClient.skip }, () => {
  let server: Server;
  before(async () => {
    server = await startServer({ handlers: [newTestService()] });
  });
  after(() => server.stop());

  for (const name of Object.keys(cases)) {
    test(`${name}: grpc-go → ts-micro`, async () => {
      const { host, port } = hostAndPort(server.address);
      await passes(
        isCompressed(name)
          ? run(compressed.path, ["-role", "client", "-address", server.address, "-test_case", name])
          : run(goClient.path, ["-server_host", host, "-server_port", port, "-test_case", name]),
      );
    });
  }
});

describe("our client and a grpc-go server", { skip: goServer.skip }, () => {
  let plain: Running;
  let gzip: Running;
  const client = quietClient();
  before(async () => {
    plain = await serveGo();
    gzip = await serve(compressed.path, ["-role", "server"], /listening on (\S+)/);
  });
  after(async () => {
    await client.close();
    await plain[Symbol.asyncDispose]();
    await gzip[Symbol.asyncDispose]();
  });

  for (const [name, runCase] of Object.entries(cases)) {
    test(`${name}: ts-micro → grpc-go`, async () => {
      const address = isCompressed(name) ? (gzip.match[1] as string) : `127.0.0.1:${plain.match[1]}`;
      await runCase(newPeer(client, address));
    });
  }
});

describe("over TLS", { skip: goServer.skip }, () => {
  let server: Server;
  let goTls: Running;
  const client = quietClient({ tls: { ca: certificate("ca") } });
  before(async () => {
    server = await startServer({ handlers: [newTestService()], tls: tlsFixture("server") });
    goTls = await serveGo(
      "-use_tls",
      "-tls_cert_file",
      pemFile("server"),
      "-tls_key_file",
      pemFile("server-key"),
    );
  });
  after(async () => {
    await client.close();
    await server.stop();
    await goTls[Symbol.asyncDispose]();
  });

  for (const name of overTls) {
    test(`${name}: grpc-go → ts-micro, TLS`, async () => {
      const { host, port } = hostAndPort(server.address);
      const trust = ["-use_tls", "-use_test_ca", "-ca_file", pemFile("ca")];
      await passes(
        run(goClient.path, ["-server_host", host, "-server_port", port, "-test_case", name, ...trust]),
      );
    });

    test(`${name}: ts-micro → grpc-go, TLS`, async () => {
      await cases[name]?.(newPeer(client, `127.0.0.1:${goTls.match[1]}`));
    });
  }
});

/** grpc-go's server says where it listens only in its log. */
function serveGo(...flags: string[]): Promise<Running> {
  const log = { GRPC_GO_LOG_SEVERITY_LEVEL: "info" };
  return serve(goServer.path, ["-port", "0", ...flags], /interop server listening on \S*:(\d+)/, log);
}

function quietClient(options: Parameters<typeof newClient>[0] = {}): Client {
  return newClient({ ...options, logger: newLogger({ level: "error" }) });
}

function hostAndPort(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: address.slice(colon + 1) };
}

async function passes(program: ReturnType<typeof run>): Promise<void> {
  const { code, stdout, stderr } = await program;
  assert.equal(code, 0, `it ended with code ${code}:\n${stdout}${stderr}`);
}
