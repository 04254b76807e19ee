import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { type LastingConnection, MicroError, newLastingConnection, newLogger, unauthorized } from "ts-micro";

const limit = { timeout: 60_000 };
const never = new AbortController().signal;

describe("a lasting connection", limit, () => {
  const servers: TcpServer[] = [];
  after(() => Promise.all(servers.map((server) => server.kill())));

  async function server(port = 0): Promise<TcpServer> {
    const started = await startServer(port);
    servers.push(started);
    return started;
  }

  test("comes back, and tells who waits and who asked to be told", async () => {
    const first = await server();
    const again: string[] = [];
    const { connection, log } = connectionTo([first], { onAgain: ({ server }) => again.push(server) });
    await connection.open();
    await connection.open();
    assert.equal(connection.server, first.hostPort);
    const before = connection.session();
    assert.equal(await connection.next(never), before);

    await first.kill();
    await before.ended;
    await until(() => log.some((line) => /can't connect to tcp: .*; trying again/.test(line)));
    assert.equal(connection.server, "");
    assert.throws(
      () => connection.session(),
      (thrown) =>
        isError(
          thrown,
          503,
          `store tcp is not connected: no server of ${first.hostPort} can be used right now; it keeps trying`,
        ),
    );
    const impatient = new AbortController();
    const given = connection.next(impatient.signal);
    impatient.abort();
    assert.equal(await given, undefined);
    const next = connection.next(never);

    await server(first.port);
    const after = await next;
    assert.ok(after !== undefined && after !== before);
    assert.equal(connection.session(), after);
    assert.deepEqual(again, [first.hostPort]);
    assert.equal(await connection.next(impatient.signal), undefined);
    await connection.close();
  });

  test("is given up when it is closed, also while it looks for a server", async () => {
    const only = await server();
    const { connection } = connectionTo([only]);
    await connection.open();
    await only.kill();
    await Promise.all([connection.close(), connection.close()]);
    assert.throws(
      () => connection.session(),
      (thrown) => isError(thrown, 503, "store tcp is not connected; call connect() first"),
    );
    await server(only.port);
    await connection.open();
    assert.equal(connection.server, only.hostPort);
    await connection.close();
    assert.equal(connection.server, "");
  });

  test("takes the first server that has room, in the order given or any", async () => {
    const [dead, one, two] = [await server(), await server(), await server()];
    await dead.kill();
    const { connection } = connectionTo([dead, one, two]);
    await connection.open();
    assert.equal(connection.server, one.hostPort);
    await connection.close();

    const met = new Set<string>();
    const anyOrder = connectionTo([dead, one, two], { isAnyOrder: true }).connection;
    while (met.size < 2) {
      await anyOrder.open();
      met.add(anyOrder.server);
      await anyOrder.close();
    }
  });

  test("says of each server why it can't be used, how credentials are given, and 401 only when all refuse them", async () => {
    const [dead, strict] = [await server(), await server()];
    await dead.kill();
    const denying = { deny: new Set([strict.hostPort]) };
    await assert.rejects(connectionTo([dead, strict], denying).connection.open(), (thrown) =>
      isError(
        thrown,
        503,
        `can't connect to tcp: ${dead.hostPort}: connect ECONNREFUSED ${dead.hostPort}; ${strict.hostPort}: wrong password; give tcp://user:password@host`,
      ),
    );
    await assert.rejects(connectionTo([strict, strict], denying).connection.open(), (thrown) =>
      isError(
        thrown,
        401,
        `can't connect to tcp: ${strict.hostPort}: wrong password; ${strict.hostPort}: wrong password; give tcp://user:password@host`,
      ),
    );
  });
});

function isError(thrown: unknown, code: number, detail: string): boolean {
  assert.ok(MicroError.is(thrown));
  assert.deepEqual([thrown.id, thrown.code, thrown.detail], ["go.micro.store", code, detail]);
  return true;
}

interface TcpServer {
  readonly port: number;
  readonly hostPort: string;
  /** Twice is once. */
  kill(): Promise<void>;
}

async function startServer(port: number): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    hostPort: `127.0.0.1:${address.port}`,
    async kill() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface TcpSession {
  readonly server: string;
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

function connectionTo(
  servers: TcpServer[],
  options: { deny?: Set<string>; isAnyOrder?: boolean; onAgain?: (session: TcpSession) => void } = {},
): { connection: LastingConnection<TcpSession>; log: string[] } {
  const { deny, ...setup } = options;
  const log: string[] = [];
  const logger = newLogger({ write: (line) => log.push(line) });
  const connection = newLastingConnection({
    owner: { kind: "store", errorId: "go.micro.store", logger },
    name: "tcp",
    servers,
    credentials: "tcp://user:password@host",
    maxReconnectWaitMs: 50,
    async start({ port, hostPort }): Promise<TcpSession> {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      const ended = once(socket.resume(), "close").then(() => "the connection was closed");
      if (deny?.has(hostPort)) {
        socket.destroy();
        throw unauthorized("go.micro.store", "wrong password");
      }
      return {
        server: hostPort,
        ended,
        async end() {
          socket.destroy();
          await ended;
        },
      };
    },
    ...setup,
  });
  return { connection, log };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
}
