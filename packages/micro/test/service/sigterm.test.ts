import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Load, startWorker } from "./load.ts";

/** Every fourth server drains as it does by default. The others give clients little time to learn that they leave. */
const drains = [undefined, { propagationMs: 50 }, { propagationMs: 50 }, { propagationMs: 50 }];

test("SIGTERM with 200 calls in flight and more arriving, while a second server is up: no call fails, twenty times", async (t) => {
  const load = new Load(t);
  let started = 0;
  const start = () => {
    const drain = drains[started++ % drains.length];
    return startWorker(t, load.name, drain === undefined ? {} : { drain });
  };
  let leaving = await start();
  let staying = await start();
  load.begin(200);
  await load.answered([leaving, staying], 100);

  for (let round = 1; round <= 20; round++) {
    assert.ok(load.inFlight >= 200 && load.inFlightOn(leaving) > 0);
    leaving.process.kill("SIGTERM");
    let gone = false;
    void leaving.ended.then(() => {
      gone = true;
    });
    while (!gone) {
      void load.call();
      await sleep(2);
    }
    const { code, signal, stderr } = await leaving.ended;
    assert.deepEqual([code, signal], [0, null], stderr);
    assert.deepEqual(load.failures, [], `round ${round}`);
    [leaving, staying] = [staying, await start()];
  }
  await load.end();
  assert.deepEqual(load.failures, []);
});
