import { newService } from "ts-micro";
import { Greeter } from "./gen/hello/v1/greeter_pb.ts";

const service = newService({
  name: "greeter",
  address: "127.0.0.1:0",
  afterStart: [() => console.log(`the greeter speaks ${service.server.name}`)],
});

service.handle(Greeter, {
  hello: ({ name }) => ({ text: `Hello ${name}` }),
});

await service.run();
