import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { encodeFrame, RpcMeta, RpcRequestMeta } from "@ts-micro/brpc-wire";
import { newClient } from "@ts-micro/client-brpc";
import { type RunningEcho, startEcho } from "./echo.ts";
import { RawPeer } from "./raw-peer.ts";

/** A request for `Echo` with `hello`, but for what is given. */
function request(
  meta: Partial<RpcMeta>,
  names: Partial<RpcRequestMeta> = {},
  payload = Buffer.from("0a0568656c6c6f", "hex"),
): Buffer {
  const echo = { serviceName: "example.EchoService", methodName: "Echo" };
  const request = Object.assign(new RpcRequestMeta(), echo, names);
  return encodeFrame(Object.assign(new RpcMeta(), { request, correlationId: 7n }, meta), payload);
}

/** As many as `seed` says, in an order that it decides. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >>> 8;
  };
}

describe("a bRPC server and callers that mean no good", { timeout: 60_000 }, () => {
  let echo: RunningEcho;
  before(async () => {
    echo = await startEcho();
  });
  after(() => echo.stop());

  const stillServes = async (): Promise<void> => {
    const client = newClient();
    const target = { service: "echo", endpoint: "Plain.Echo", addresses: [echo.address] };
    assert.equal(await client.call({ ...target, body: "fine" }), "fine");
    await client.close();
  };

  test("requests that are odd are answered, and the connection goes on", async () => {
    const checksum = (value: number[]) => ({ checksumType: 1, checksumValue: Buffer.from(value) });
    const odd: Record<string, [Buffer, number]> = {
      "no request in it": [request({ request: undefined }), 1001],
      "a response instead": [Buffer.from("505250430000000400000004" + "12020800", "hex"), 1001],
      "an empty meta": [Buffer.from("505250430000000000000000", "hex"), 1001],
      "names of nothing": [request({}, { serviceName: "", methodName: "" }), 1001],
      "a method of Object's": [request({}, { methodName: "constructor" }), 1002],
      "a negative attachment": [request({ attachmentSize: -5 }), 1003],
      "an unknown compression": [request({ compressType: 4 }), 1003],
      "gzip that is none": [request({ compressType: 2 }), 1003],
      "snappy that announces 4 GiB": [
        request({ compressType: 1 }, {}, Buffer.from("ffffffff0f0061", "hex")),
        1003,
      ],
      "a checksum that doesn't fit": [request(checksum([1, 2, 3, 4])), 1003],
      "a checksum of one byte": [request(checksum([1])), 1003],
      "a stream": [request({ streamSettings: Buffer.from("0801", "hex") }), 501],
      "an unknown content type, which counts as none": [request({ contentType: 9 }), 0],
      "a time of less than nothing": [request({}, { timeoutMs: -1 }), 0],
      "a checksum of an unknown type": [request({ checksumType: 9 }), 0],
      "no correlation id": [request({ correlationId: undefined }), 0],
    };
    const peer = new RawPeer(echo.address);
    for (const [what, [bytes, code]] of Object.entries(odd)) {
      peer.write(bytes);
      assert.equal((await peer.next()).rpc.response?.errorCode, code, what);
    }
    peer.socket.destroy();
  });

  test("ids of any 64 bits come back", async () => {
    const peer = new RawPeer(echo.address);
    for (const id of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) {
      peer.write(request({ correlationId: id }));
      assert.equal((await peer.next()).rpc.correlationId, id);
    }
    peer.socket.destroy();
  });

  test("random bytes, and good ones that were damaged, close the connection or are answered", async () => {
    const next = numbers(1);
    const sound = Buffer.concat([1, 2, 3].map(() => request({})));
    for (let round = 0; round < 150; round++) {
      const bytes =
        round % 3 === 0 ? Buffer.from(Array.from({ length: 40 }, () => next() % 256)) : Buffer.from(sound);
      for (let changes = 0; changes < 3; changes++) bytes[next() % bytes.length] = next() % 256;
      const socket = connect({ host: "127.0.0.1", port: Number(echo.address.split(":")[1]) });
      socket.on("error", () => {});
      socket.resume();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      // The end of what it sends ends what the server still waits for.
      socket.end(bytes);
      await closed;
    }
    await stillServes();
  });

  test("a caller that asks and doesn't listen is no longer read", async () => {
    // One text of a MiB less one: 0x0fffff is ff ff 3f as a varint.
    const message = Buffer.concat([Buffer.from("0affff3f", "hex"), Buffer.alloc(0xfffff, "x")]);
    const question = request({}, {}, message);
    const socket = connect({ host: "127.0.0.1", port: Number(echo.address.split(":")[1]) });
    socket.on("error", () => {});
    socket.pause();
    let accepted = 0;
    const before = process.memoryUsage().arrayBuffers;
    // Stops when the server stops reading: the system's buffers are full then.
    while (accepted < 200) {
      if (!socket.write(question)) {
        const drained = new Promise((resolve) => socket.once("drain", () => resolve(true)));
        const late = new Promise((resolve) => setTimeout(() => resolve(false), 1_000).unref());
        if ((await Promise.race([drained, late])) === false) break;
      }
      accepted++;
    }
    assert.ok(accepted < 200, `${accepted} MiB were taken`);
    assert.ok(process.memoryUsage().arrayBuffers - before < 200 << 20);
    socket.destroy();
    await stillServes();
  });

  test("more calls in flight than allowed wait on the wire, and are answered in the end", async () => {
    const limited = await startEcho({ maxInFlight: 4 }, { name: "limited" });
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    limited.service.handle("Gate", {
      Pass: async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => gates.push(resolve));
        running--;
        return "passed";
      },
    });
    const client = newClient();
    const target = {
      service: "limited",
      endpoint: "Gate.Pass",
      addresses: [limited.address],
      timeoutMs: 30_000,
    };
    // Longer than what one read takes, so that reading stops in between.
    const calls = Array.from({ length: 40 }, () => client.call({ ...target, body: "x".repeat(70_000) }));
    let answered = 0;
    for (const each of calls) void each.then(() => answered++);
    while (answered < calls.length) {
      gates.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(
      await Promise.all(calls),
      calls.map(() => "passed"),
    );
    assert.ok(most >= 4 && most < 40, `${most} at once`);
    await client.close();
    await limited.stop();
  });

  test("a caller that stops in the middle of a frame loses its connection, one that is silent between frames does not", async () => {
    const impatient = await startEcho({ stallTimeoutMs: 1_000 });
    const silent = new RawPeer(impatient.address);
    silent.write(request({}));
    assert.equal((await silent.next()).rpc.response?.errorCode, 0);
    const stalled = new RawPeer(impatient.address);
    stalled.write(request({}).subarray(0, 20));
    await stalled.closed;
    assert.match(impatient.logged.join(""), /nothing came for 1000 ms in the middle of a frame/);
    // As long as something comes, the time doesn't matter.
    const slow = new RawPeer(impatient.address);
    const bytes = request({});
    for (let at = 0; at < bytes.length; at += 2) {
      slow.write(bytes.subarray(at, at + 2));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await slow.next()).rpc.response?.errorCode, 0);
    silent.write(request({}));
    assert.equal((await silent.next()).rpc.response?.errorCode, 0);
    silent.socket.destroy();
    slow.socket.destroy();
    await impatient.stop();
  });

  test("HTTP that is none, or says nothing, harms nobody", async () => {
    for (const text of ["GET /health\r\n\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET "]) {
      const socket = connect({ host: "127.0.0.1", port: Number(echo.address.split(":")[1]) });
      socket.on("error", () => {});
      socket.resume();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.write(text);
      socket.end();
      await closed;
    }
    await stillServes();
  });
});
