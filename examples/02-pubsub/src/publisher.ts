import { newService } from "ts-micro";

const service = newService({ name: "signup" });

await service.run(async () => {
  const [topic = "user.created"] = service.args;
  for (const name of ["Ada", "Grace", "Hedy"]) await service.publish(topic, { name });
});
