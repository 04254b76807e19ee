import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, errno, RpcMeta, RpcRequestMeta } from "@ts-micro/brpc-wire";
import { startEcho } from "./echo.ts";
import { RawPeer } from "./raw-peer.ts";

function request(service: string, method: string, id: bigint): Buffer {
  const meta = new RpcMeta();
  meta.request = Object.assign(new RpcRequestMeta(), { serviceName: service, methodName: method });
  meta.correlationId = id;
  meta.contentType = 1;
  return encodeFrame(meta, Buffer.from('"hello"'));
}

test("a server that leaves: goodbye, calls in flight are answered, later ones are not taken, the end", {
  timeout: 60_000,
}, async () => {
  const echo = await startEcho({}, { drain: { propagationMs: 0, budgetMs: 30_000 } });
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let entered = (): void => {};
  const running = new Promise<void>((resolve) => {
    entered = resolve;
  });
  echo.service.handle("Gate", {
    async Pass(text: string) {
      entered();
      await released;
      return text;
    },
  });
  const peer = new RawPeer(echo.address);
  peer.write(request("Gate", "Pass", 1n));
  await running;
  const stopped = echo.stop();

  const codeOf = async (): Promise<[id: bigint | undefined, code: number | undefined]> => {
    const { rpc } = await peer.next();
    return [rpc.correlationId, rpc.response?.errorCode];
  };
  assert.deepEqual(await codeOf(), [0n, errno.logOff]);
  const health = await fetch(`http://${echo.address}/health`).then(
    ({ status }) => status,
    () => 503,
  );
  assert.equal(health, 503);
  // Served until the port is closed, refused from then on.
  for (let id = 2n; ; id++) {
    peer.write(request("Plain", "Echo", id));
    const [answered, code] = await codeOf();
    assert.equal(answered, id);
    if (code === errno.logOff) break;
    assert.equal(code, 0);
  }
  release();
  assert.deepEqual(await codeOf(), [1n, 0]);
  assert.deepEqual(await codeOf(), [0n, errno.close]);
  await peer.closed;
  await stopped;
});
