/** A process that is killed says nothing to anybody: its clients find out by themselves. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { CallOptions } from "../../src/client/client.ts";
import { MicroError } from "../../src/errors.ts";
import { Load, startWorker, type Tried, type Worker } from "./load.ts";

interface Killed {
  readonly address: string;
  readonly id: string;
}

/** How a killed server comes back, as its arguments. */
const onAnotherPort = (_: Killed): string[] => [];
const onItsPort = ({ address }: Killed): string[] => [`--server_address=${address}`];
const asItWas = ({ address, id }: Killed): string[] => [`--server_address=${address}`, `--server_id=${id}`];

/**
 * Three servers under load. One after the other is killed; the others go on answering, and it is called again
 * when it is back. Gives the attempts that failed at each.
 */
async function killInTurn(
  t: TestContext,
  callers: number,
  options: CallOptions,
  restarts: readonly ((killed: Killed) => string[])[],
): Promise<{ load: Load; lost: Tried[] }> {
  const load = new Load(t, options);
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  const workers = await Promise.all(
    ids.map((id) => startWorker(t, load.name, { argv: [`--server_id=${id}`] })),
  );
  load.begin(callers);
  await load.answered(workers, 50);

  const lost: Tried[] = [];
  /** Where servers were that came back on another port. Some call may still look whether they are there again. */
  const abandoned = new Set<string>();
  for (const [n, restart] of restarts.entries()) {
    const killed = workers[n] as Worker;
    const others = workers.filter((worker) => worker !== killed);
    const before = load.tried.length;
    assert.ok(load.inFlightOn(killed) > 0);
    killed.process.kill("SIGKILL");
    assert.equal((await killed.ended).signal, "SIGKILL");
    await load.answered(others, 500);
    lost.push(...lostAt(killed, abandoned, load.tried.slice(before)));

    const argv = restart({ address: killed.address, id: ids[n] ?? "" });
    const again = await startWorker(t, load.name, { argv });
    workers[n] = again;
    if (again.address !== killed.address) abandoned.add(killed.address);
    await load.answered(workers, 50);
  }
  await load.end();
  return { load, lost };
}

/** The attempts that broke when the server was killed. Shows that it was left alone afterwards. */
function lostAt({ address }: Worker, abandoned: ReadonlySet<string>, tried: readonly Tried[]): Tried[] {
  const elsewhere = tried.filter((attempt) => attempt.error !== undefined && attempt.address !== address);
  for (const { address, error } of elsewhere) {
    assert.ok(abandoned.has(address) && error?.reason === "connection-failed", `${address}: ${error}`);
  }
  const failed = tried.filter((attempt) => attempt.error !== undefined && attempt.address === address);
  assert.ok(failed.length > 0);
  const noticed = Math.min(...failed.map(({ ended }) => ended));
  const now = Math.max(...tried.map(({ ended }) => ended));
  const later = tried.filter((attempt) => attempt.address === address && attempt.begun > noticed);
  // One call probes it after at least 750 ms, one after twice as long, and so on.
  const probes = Math.floor(Math.log2(1 + (now - noticed) / 750));
  assert.ok(later.length <= probes, `of ${tried.length} attempts ${later.length} went to a dead server`);
  return failed.filter(({ begun }) => begun <= noticed);
}

test("one of three servers is killed: no call fails that may be repeated, it is avoided, and used again", async (t) => {
  const { load, lost } = await killInTurn(t, 320, { idempotent: true }, [onAnotherPort, onItsPort, asItWas]);
  assert.ok(lost.length >= 3);
  assert.deepEqual(load.failures, []);
});

test("one of three servers is killed: only calls that it was at work on fail, and say that they may have run", async (t) => {
  const { load, lost } = await killInTurn(t, 100, {}, [onAnotherPort]);
  const inFlight = new Set(lost.map(({ number }) => number));
  for (const { number, error } of load.failures) {
    assert.ok(
      MicroError.is(error) && error.reason === "connection-lost" && error.code === 500,
      String(error),
    );
    assert.match(error.detail, /^connection to 127\.0\.0\.1:\d+ lost: .+; the handler may have run$/);
    assert.ok(
      inFlight.has(number),
      `call ${number} was not in flight on the server that was killed: ${error}`,
    );
  }
  assert.ok(load.failures.length > 0);
});
