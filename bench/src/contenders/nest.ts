import "reflect-metadata";
import type { AddressInfo, Server } from "node:net";
import { Controller, type INestMicroservice, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  type ClientOptions,
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  type NatsOptions,
  Transport,
} from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import { type Answer, answerTo, type Caller, type Contender, type Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

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
    const app = await served({ transport: Transport.TCP, options: { host: "127.0.0.1", port: 0 } });
    const { port } = app.unwrap<Server>().address() as AddressInfo;
    return { address: `127.0.0.1:${port}`, close: () => app.close() };
  },

  connect(address) {
    const [host = "", port = ""] = address.split(":");
    return connected({ transport: Transport.TCP, options: { host, port: Number(port) } });
  },
};

/** The same over NATS. */
export const nestNats: Contender = {
  async serve() {
    const app = await served(natsOptions());
    return { address: "nats", close: () => app.close() };
  },

  connect: () => connected(natsOptions()),
};

function natsOptions(): NatsOptions {
  return { transport: Transport.NATS, options: { servers: [natsAddress()] } };
}

async function served(options: MicroserviceOptions): Promise<INestMicroservice> {
  const app = await NestFactory.createMicroservice(Bench, { ...options, logger: false });
  await app.listen();
  return app;
}

async function connected(options: ClientOptions): Promise<Caller> {
  const client = ClientProxyFactory.create(options);
  await client.connect();
  return {
    call: (question) => firstValueFrom(client.send<Answer, Question>("hello", question)),
    async close() {
      await client.close();
    },
  };
}
