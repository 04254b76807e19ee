import { newService } from "ts-micro";

const service = newService({ name: "counter.client" });

await service.run(async () => {
  await using stream = await service.client.stream<{ number: number; sum: number }, number>({
    service: service.args[0] ?? "counter",
    endpoint: "Counter.Sum",
  });
  for (const number of [1, 2, 3]) await stream.send(number);
  await stream.end();
  for await (const { number, sum } of stream) console.log(`${number} makes ${sum}`);
  console.log("the stream has ended");
});
