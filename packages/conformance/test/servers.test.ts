import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import {
  etcd,
  nats,
  postgres,
  startEtcd,
  startNats,
  startPostgres,
  startServerProcess,
} from "../src/index.ts";

test("a server that ends early is an error with what it wrote", async () => {
  const program = `console.error("no disk"); process.exit(3)`;
  await assert.rejects(
    startServerProcess({
      path: process.execPath,
      ports: 1,
      args: () => ["-e", program],
      probe: () => Promise.reject(new Error("not there")),
    }),
    /ended with 3[\s\S]*no disk/,
  );
});

test("a server that can't be used in time is ended", async () => {
  let pid = 0;
  await assert.rejects(
    startServerProcess({
      path: process.execPath,
      ports: 1,
      args: () => ["-e", "console.error(process.pid); setInterval(() => {}, 1_000)"],
      probe: () => Promise.reject(new Error("not there")),
      startTimeoutMs: 2_000,
    }),
    (error: Error) => {
      pid = Number(/^\d+$/m.exec(error.message)?.[0]);
      return /not there/.test(error.message);
    },
  );
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

const { skip } = etcd();

test("etcd keeps its address, and its data unless it starts empty", { skip }, async () => {
  await using server = await startEtcd();
  const { address } = server;
  const call = async (method: string, body: object): Promise<unknown> => {
    const options = { method: "POST", body: JSON.stringify(body) };
    return (await fetch(`http://${address}/v3/kv/${method}`, options)).json();
  };
  const count = async (): Promise<string | undefined> =>
    ((await call("range", { key: "YQ==" })) as { count?: string }).count;
  await call("put", { key: "YQ==", value: "Yg==" });
  await server.kill();
  await server.kill();
  await assert.rejects(call("range", { key: "YQ==" }));
  await server.start();
  assert.equal(await count(), "1");
  await server.stop();
  await server.start({ empty: true });
  assert.equal(await count(), undefined);
});

test("nats-server comes back on its address, with the configuration it was given", {
  skip: nats().skip,
}, async () => {
  await using server = await startNats({ config: "server_name: mine" });
  const { address } = server;
  const info = async (): Promise<{ server_name?: string; max_payload?: number }> => {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    const [bytes] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return JSON.parse(bytes.toString().replace(/^INFO /, ""));
  };
  await server.kill();
  await assert.rejects(info(), { code: "ECONNREFUSED" });
  await server.start();
  const { server_name, max_payload } = await info();
  assert.deepEqual([server_name, max_payload], ["mine", 8 * 1024 * 1024]);
});

test("PostgreSQL comes back on its address after it was killed", {
  skip: postgres().skip,
}, async () => {
  await using server = await startPostgres();
  const size = async (): Promise<number> => {
    const [host, port] = server.address.split(":");
    const socket = connect(Number(port), host);
    socket.write(Buffer.from("\0\0\0\x08\x04\xd2\x16\x2f", "latin1"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return answer.length;
  };
  // It answers a request for TLS with one letter.
  assert.equal(await size(), 1);
  const { pid } = server;
  await server.kill();
  await assert.rejects(size(), { code: "ECONNREFUSED" });
  await server.start();
  assert.notEqual(server.pid, pid);
  assert.equal(await size(), 1);
});
