import assert from "node:assert/strict";
import test from "node:test";
import { cases } from "../src/cases.ts";
import { answerTo } from "../src/contender.ts";
import { contenders } from "../src/contenders/index.ts";

for (const [name, { title, load }] of Object.entries(contenders)) {
  test(`${title} gives the right answers in every case it is in`, async () => {
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
        assert.deepEqual(
          answers.map((answer) => ({ ...answer })),
          [answerTo(question), answerTo(question)],
        );
        if (turns !== caller) await turns.close();
      }
      const inFlight = Array.from({ length: 50 }, (_, index) => ({ name: `caller ${index}` }));
      const answers = await Promise.all(inFlight.map((question) => caller.call(question)));
      assert.deepEqual(
        answers.map((answer) => ({ ...answer })),
        inFlight.map(answerTo),
      );
    } finally {
      await caller.close();
      await serving.close();
    }
  });
}
