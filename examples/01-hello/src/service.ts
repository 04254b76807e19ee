import { newService } from "ts-micro";

const service = newService({
  name: "greeter",
  address: "127.0.0.1:0",
  afterStart: [() => console.log("the greeter is ready")],
});

service.handle("Greeter", {
  Hello: async (request: { name: string }) => ({ msg: `Hello ${request.name}` }),
});

await service.run();
