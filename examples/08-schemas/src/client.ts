import { newService } from "ts-micro";
import { Greeter } from "./gen/greeter_pb.ts";

const service = newService({ name: "greeter.client" });

await service.run(async () => {
  const greeter = service.for(Greeter, { service: service.args[0] ?? "greeter" });
  const by = `client=${service.client.name}`;

  const { message } = await greeter.sayHello({ name: "John" });
  console.log(`${by}  ${message}`);

  for await (const { message } of greeter.repeat({ name: "Jane", times: 2 })) {
    console.log(`${by}  ${message}`);
  }

  const everybody = await greeter.greetAll([{ name: "John" }, { name: "Jane" }]);
  console.log(`${by}  ${everybody.message}`);
});
