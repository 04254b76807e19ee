import "reflect-metadata";
import type { AddressInfo, Server } from "node:net";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, MessagePattern, Transport } from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

class Hello {
  hello(question: Question): Answer {
    return answerTo(question);
  }
}

class Bench {}

// What decorators would do, which Node can't strip.
const method = Object.getOwnPropertyDescriptor(Hello.prototype, "hello") as PropertyDescriptor;
MessagePattern("hello")(Hello.prototype, "hello", method);
Controller()(Hello);
Module({ controllers: [Hello] })(Bench);

/** NestJS microservices over its TCP transport, JSON. */
export const nest: Contender = {
  async serve() {
    const app = await NestFactory.createMicroservice(Bench, {
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port: 0 },
      logger: false,
    });
    await app.listen();
    const { port } = app.unwrap<Server>().address() as AddressInfo;
    return { address: `127.0.0.1:${port}`, close: () => app.close() };
  },

  async connect(address) {
    const [host = "", port = ""] = address.split(":");
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host, port: Number(port) },
    });
    await client.connect();
    return {
      call: (question) => firstValueFrom(client.send<Answer, Question>("hello", question)),
      async close() {
        await client.close();
      },
    };
  },
};
