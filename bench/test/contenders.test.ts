import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { nats } from "@ts-micro/conformance";
import { cases } from "../src/cases.ts";
import { type Answer, answerTo, itemsFor } from "../src/contender.ts";
import { contenders, type Entry } from "../src/contenders/index.ts";
import { goProgram } from "../src/go-micro.ts";
import { installSize } from "../src/install-size.ts";
import { withNats } from "../src/nats.ts";
import { newPacked } from "../src/packed.ts";
import { Pair } from "../src/pair.ts";
import { here } from "../src/place.ts";
import { runCase } from "../src/run.ts";
import { startServer } from "../src/side.ts";
import { Starts } from "../src/start.ts";

for (const [name, { title, load, needs }] of Object.entries(contenders)) {
  // What publishes only has no answers.
  if (load === undefined || name.includes("events")) continue;
  test(`${title} gives the right answers in every case it is in`, { skip: skipped(needs) }, async () => {
    await using _nats = needs === "nats" ? await withNats() : undefined;
    const contender = await load();
    const serving = await contender.serve();
    const caller = await contender.connect(serving.address);
    try {
      for (const { question, kind } of Object.values(cases).filter((each) =>
        each.contenders.includes(name),
      )) {
        const turns = kind === "streams" ? await caller.open?.() : caller;
        assert.ok(turns !== undefined);
        const answers = [await turns.call(question), await turns.call(question)];
        assert.deepEqual(answers.map(plain), [answerTo(question), answerTo(question)].map(plain));
        if (turns !== caller) await turns.close();
        if (kind === "items") {
          const items: Answer[] = [];
          for await (const item of caller.items?.(question) ?? []) items.push(plain(item));
          assert.deepEqual(items, [...itemsFor(question)].map(plain));
        }
      }
      const inFlight = Array.from({ length: 50 }, (_, index) => ({ name: `caller ${index}` }));
      const answers = await Promise.all(inFlight.map((question) => caller.call(question)));
      assert.deepEqual(answers.map(plain), inFlight.map(answerTo));
    } finally {
      await caller.close();
      await serving.close();
    }
  });
}

for (const [name, { title, load, needs }] of Object.entries(contenders)) {
  if (load === undefined || !name.includes("events")) continue;
  test(`${title} receives what it publishes`, { skip: skipped(needs) }, async () => {
    await using _nats = needs === "nats" ? await withNats() : undefined;
    const contender = await load();
    const serving = await contender.serve();
    const caller = await contender.connect(serving.address);
    try {
      for (let message = 0; message < 100; message++) await caller.publish?.({ name: `message ${message}` });
      while ((serving.received?.() ?? 0) < 100) await setTimeout(10);
      assert.equal(serving.received?.(), 100);
    } finally {
      await caller.close();
      await serving.close();
    }
  });
}

for (const [name, { title, go, sides }] of Object.entries(contenders)) {
  if (go === undefined && sides === undefined) continue;
  const { skip } = goProgram(go ?? { module: name.endsWith("v2") ? "v2" : "v5" });
  // The client compares the answers, whether it is in Go or ours.
  test(`${title}, in two processes, with right answers and a report of what it took`, { skip }, async () => {
    const pair = await Pair.start(name);
    try {
      for (const question of [{ name: "world" }, { name: "world", data: "x".repeat(64 * 1024) }]) {
        const sample = await pair.run({ question, kind: "calls", inFlight: 8, ms: 100 });
        const { callsPerSecond, callsPerCpuSecond, p50Ms, p99Ms = 0, rssMiB = 0 } = sample;
        assert.ok(callsPerSecond > 0 && callsPerCpuSecond > 0 && p50Ms > 0 && p99Ms >= p50Ms && rssMiB > 0);
      }
    } finally {
      await pair.end();
    }
  });
}

test("a process of the bench doesn't outlive its parent", async () => {
  const server = startServer("json-floor", here);
  await once(server, "message");
  server.disconnect();
  assert.deepEqual(await once(server, "exit"), [0, null]);
});

test("a case on Node 22 has the peers that want it, or says how to get them", async () => {
  const length = { rounds: 1, ms: 50, warmUpMs: 50 };
  const { machine, contenders, leftOut } = await runCase("rpc/node-22", length, "", ["moleculer", "nest"]);
  if (contenders.length === 0) {
    assert.equal(leftOut?.length, 1);
    assert.match(
      leftOut?.[0] ?? "",
      /^Moleculer, TCP; NestJS microservices, TCP: .*npm ci --prefix bench\/node-22/,
    );
    return;
  }
  assert.match(machine.node, /^v22\./);
  assert.match(
    contenders.flatMap(({ versions }) => versions).join(),
    /moleculer 0\.15\..*microservices 12\./,
  );
  for (const { levels } of contenders)
    for (const { samples } of levels) assert.ok((samples[0]?.callsPerSecond ?? 0) > 0);
});

test("a started process reports what it took to import a framework, to initialise a service, and to have an answer from it", async () => {
  using packed = newPacked();
  for (const kind of ["imports", "inits", "answers"] as const) {
    const { p50Ms, callsPerCpuSecond, rssMiB } = await new Starts("mux", packed.program).run({
      question: { name: "world" },
      kind,
      inFlight: 1,
      ms: 1,
    });
    assert.ok(p50Ms > 0 && callsPerCpuSecond > 0 && rssMiB !== undefined && rssMiB > 0);
  }
  await assert.rejects(
    new Starts("plugins-1", packed.program, ["./missing.mjs"]).run({
      question: { name: "world" },
      kind: "inits",
      inFlight: 1,
      ms: 1,
    }),
    /plugins-1 ended with 1 while it started/,
  );
  await assert.rejects(
    new Starts("node").run({ question: { name: "world" }, kind: "answers", inFlight: 1, ms: 1 }),
    /node ended with 1 while it started/,
  );
});

test("a process has loaded ten built plugins when it reports", async () => {
  const length = { rounds: 1, ms: 1, warmUpMs: 1 };
  const { contenders } = await runCase("start/plugin", length, "", ["plugins-10"]);
  assert.ok((contenders[0]?.levels[0]?.samples[0]?.p50Ms ?? 0) > 0);
});

test("the size of an installation is that of its published files, with all that they depend on", () => {
  const ours = installSize(["ts-micro"]);
  assert.ok(ours.packages >= 1 && ours.mebibytes > 0.1);
  using packed = newPacked();
  const installed = installSize(["ts-micro"], packed.folder);
  assert.ok(installed.packages === 1 && installed.mebibytes < ours.mebibytes, "what is packed is measured");
  const both = installSize(["ts-micro", "undici"]);
  assert.ok(both.packages > ours.packages && both.mebibytes > ours.mebibytes);
});

function skipped(needs: Entry["needs"]): string | false {
  return needs === "nats" && nats().skip;
}

/** Bytes are the same whatever kind of array holds them. */
function plain({ msg, data, document }: Answer): Answer {
  if (document !== undefined) return { msg, document };
  if (data === undefined) return { msg };
  return { msg, data: typeof data === "string" ? data : Uint8Array.from(data) };
}
