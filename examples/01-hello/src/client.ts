import { newService } from "ts-micro";

const service = newService({ name: "greeter.client" });

await service.run(async () => {
  const reply = await service.client.call<{ msg: string }>({
    service: service.args[0] ?? "greeter",
    endpoint: "Greeter.Hello",
    body: { name: "John" },
  });
  console.log(`client=${service.client.name}  ${reply.msg}`);
});
