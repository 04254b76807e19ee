import assert from "node:assert/strict";
import { test } from "node:test";
import { isGrpcError, statusCode } from "@ts-micro/grpc-wire";
import { newHandler } from "ts-micro/server";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../src/gen/grpc/health/v1/health_pb.ts";
import { setUp } from "./set-up.ts";

const greeter = newHandler("Greeter", { Hello: () => ({}) });

test("the server and its handlers serve, under every name that calls reach them by", async (context) => {
  const { clientOf } = await setUp(context, [greeter]);
  const health = clientOf(Health);
  for (const service of ["", "greeter", "Greeter", "greeter.Greeter", "go.micro.srv.greeter.Greeter"]) {
    assert.equal((await health.check({ service })).status, Status.SERVING, service);
  }
  const { statuses } = await health.list({});
  assert.deepEqual(Object.keys(statuses).sort(), ["", "Greeter"]);
});

test("an unknown service is not found, a watch of it learns when it comes", async (context) => {
  const { clientOf, server } = await setUp(context, []);
  const health = clientOf(Health);
  await assert.rejects(health.check({ service: "Greeter" }), (thrown) => {
    assert.ok(isGrpcError(thrown));
    assert.deepEqual(thrown.grpc, { code: statusCode.notFound, message: 'unknown service "Greeter"' });
    return true;
  });
  const watch = health.watch({ service: "Greeter" })[Symbol.asyncIterator]();
  assert.equal((await watch.next()).value?.status, Status.SERVICE_UNKNOWN);
  server.handle(greeter);
  assert.equal((await watch.next()).value?.status, Status.SERVING);
  await watch.return?.();
});

test("a watch sees registerCheck fail and pass again, and a check says the same", async (context) => {
  let ill = false;
  const { clientOf } = await setUp(context, [greeter], {
    registerIntervalMs: 20,
    registerCheck() {
      if (ill) throw new Error("the database is down");
    },
  });
  const health = clientOf(Health);
  const watch = health.watch({})[Symbol.asyncIterator]();
  const expect = async (status: Status) => {
    assert.equal((await watch.next()).value?.status, status);
    assert.equal((await health.check({ service: "Greeter" })).status, status);
  };
  await expect(Status.SERVING);
  ill = true;
  await expect(Status.NOT_SERVING);
  ill = false;
  await expect(Status.SERVING);
  await watch.return?.();
});

test("a server that drains says so, and open watches don't keep it from stopping", async (context) => {
  const { clientOf, server } = await setUp(context, [greeter]);
  const watches = Array.from({ length: 12 }, () => clientOf(Health).watch({})[Symbol.asyncIterator]());
  for (const watch of watches) assert.equal((await watch.next()).value?.status, Status.SERVING);
  const stopped = server.stop();
  for (const watch of watches) {
    assert.equal((await watch.next()).value?.status, Status.NOT_SERVING);
    assert.equal((await watch.next()).done, true);
  }
  // The test has no more than the budget of a minute, which they would use up.
  await stopped;
});

test("it can be turned off, is in no registry, and leaves the name Health to the user", async (context) => {
  const own = newHandler("Health", { Check: () => ({ own: true }) });
  const on = await setUp(context, [own]);
  const off = await setUp(context, [own], { health: false });
  const check = { service: "greeter", endpoint: "Health.Check", body: {}, retries: 0 };
  for (const { client, server, registry } of [on, off]) {
    assert.deepEqual(await client.call({ ...check, addresses: [server.address] }), { own: true });
    const [service] = await registry.getService("greeter");
    assert.deepEqual(
      service?.endpoints.map(({ name }) => name),
      ["Health.Check"],
    );
  }
  const { status } = await on.clientOf(Health).check({});
  assert.equal(status, Status.SERVING);
  // What is called by that path is then the user's, which has no protobuf types.
  await assert.rejects(off.clientOf(Health).check({}), (thrown) => isGrpcError(thrown));
});
