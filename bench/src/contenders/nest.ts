import "reflect-metadata";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { Controller, type INestMicroservice, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  ClientGrpcProxy,
  type ClientOptions,
  ClientProxyFactory,
  GrpcMethod,
  type GrpcOptions,
  MessagePattern,
  type MicroserviceOptions,
  type NatsOptions,
  Transport,
} from "@nestjs/microservices";
import { firstValueFrom, type Observable } from "rxjs";
import { type Answer, answerTo, type Caller, type Contender, type Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

class Hello {
  hello(question: Question): Answer {
    return answerTo(question);
  }

  helloOverGrpc(question: Question): Answer {
    return answerTo(question);
  }
}

class Bench {}

// What decorators would do, which Node can't strip.
decorate("hello", MessagePattern("hello"));
decorate("helloOverGrpc", GrpcMethod("Bench", "Hello"));
Controller()(Hello);
Module({ controllers: [Hello] })(Bench);

function decorate(name: keyof Hello, decorator: MethodDecorator): void {
  const method = Object.getOwnPropertyDescriptor(Hello.prototype, name) as PropertyDescriptor;
  decorator(Hello.prototype, name, method);
}

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

/** The same over gRPC. */
export const nestGrpc: Contender = {
  async serve() {
    const address = await freeAddress();
    const app = await served(grpcOptions(address));
    return { address, close: () => app.close() };
  },

  async connect(address) {
    const client = new ClientGrpcProxy(grpcOptions(address).options);
    const service = client.getService<{ hello(question: Question): Observable<Answer> }>("Bench");
    return {
      async call(question) {
        const { msg, data } = await firstValueFrom(service.hello(question));
        return data === undefined ? { msg } : { msg, data };
      },
      async close() {
        client.close();
      },
    };
  },
};

function grpcOptions(url: string): GrpcOptions {
  const protoPath = fileURLToPath(new URL("../../../proto/hello.proto", import.meta.url));
  return { transport: Transport.GRPC, options: { url, package: "bench", protoPath } };
}

/** Nest doesn't tell which port a gRPC server got. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

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
