import { newService } from "ts-micro";
import { Greeter } from "./gen/hello/v1/greeter_pb.ts";

const service = newService({ name: "greeter.client" });

await service.run(async () => {
  const greeter = service.for(Greeter, { service: service.args[0] ?? "greeter" });
  const reply = await greeter.hello({ name: "John" });
  console.log(`client=${service.client.name}  ${reply.text}`);
});
