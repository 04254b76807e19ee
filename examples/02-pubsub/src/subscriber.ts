import { newService } from "ts-micro";

const service = newService({
  name: "mailer",
  address: "127.0.0.1:0",
  afterStart: [() => console.log("a mailer is ready")],
});
await service.init();
const [topic = "user.created"] = service.args;

// Of all that subscribe with the same queue, one gets each message.
service.subscribe(topic, (user: { name: string }) => console.log(`a letter to ${user.name}`), {
  queue: "mailers",
});

await service.run();
