import { newService, stream } from "ts-micro";

const service = newService({
  name: "counter",
  address: "127.0.0.1:0",
  afterStart: [() => console.log("the counter is ready")],
});

service.handle("Counter", {
  // Answers while requests are still coming: each number with the sum so far.
  Sum: stream(async function* (numbers: AsyncIterable<number>) {
    let sum = 0;
    for await (const number of numbers) {
      sum += number;
      yield { number, sum };
    }
  }),
});

await service.run();
