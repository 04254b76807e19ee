import { newService } from "ts-micro";
import { Greeter } from "./gen/greeter_pb.ts";

const service = newService({
  name: "greeter",
  address: "127.0.0.1:0",
  afterStart: [() => console.log(`the greeter is ready, server=${service.server.name}`)],
});

service.handle(Greeter, {
  sayHello: ({ name }) => ({ message: `Hello ${name}` }),

  async *repeat({ name, times }) {
    for (let time = 1; time <= times; time++) yield { message: `Hello ${name}, ${time} of ${times}` };
  },

  async greetAll(requests) {
    const names: string[] = [];
    for await (const { name } of requests) names.push(name);
    return { message: `Hello ${names.join(" and ")}` };
  },
});

await service.run();
