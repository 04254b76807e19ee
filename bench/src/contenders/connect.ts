import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, createFileRegistry, type DescMessage, type DescService } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { answerTo, type Contender, itemsFor } from "../contender.ts";

/** Connect's gRPC over node:http2, with its protobuf library, without which it can't be used. Small calls only. */
export const connectNode: Contender = {
  async serve() {
    const routes = (router: ConnectRouter): void => {
      router.service(bench(), {
        hello: (request: Text) => textOf(request),
        hellos: async function* (requests: AsyncIterable<Text>) {
          for await (const request of requests) yield textOf(request);
        },
        items: async function* ({ text }: Text) {
          for (const { msg } of itemsFor({ name: text })) yield { text: msg };
        },
      } as object);
    };
    const sessions = new Set<ServerHttp2Session>();
    const server = createServer(connectNodeAdapter({ routes }));
    server.on("session", (session) => sessions.add(session));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        for (const session of sessions) session.destroy();
        server.close();
      },
    };
  },

  async connect(address) {
    const client = createClient(
      bench(),
      createGrpcTransport({ baseUrl: `http://${address}` }),
    ) as unknown as {
      hello(request: Text): Promise<Text>;
      hellos(requests: AsyncIterable<Text>): AsyncIterable<Text>;
      items(request: Text): AsyncIterable<Text>;
    };
    return {
      call: async ({ name }) => ({ msg: (await client.hello({ text: name })).text }),
      async *items({ name }) {
        for await (const { text } of client.items({ text: name })) yield { msg: text };
      },
      async open() {
        const queue: (string | undefined)[] = [];
        let wake = (): void => {};
        const send = (name: string | undefined): void => {
          queue.push(name);
          wake();
        };
        const requests = (async function* () {
          for (;;) {
            while (queue.length === 0) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
            const text = queue.shift();
            if (text === undefined) return;
            yield { text };
          }
        })();
        const answers = client.hellos(requests)[Symbol.asyncIterator]();
        return {
          async call({ name }) {
            send(name);
            return { msg: (await answers.next()).value.text };
          },
          async close() {
            send(undefined);
            await answers.next();
          },
        };
      },
      async close() {},
    };
  },
};

interface Text {
  text: string;
}

function textOf({ text }: Text): Text {
  return { text: answerTo({ name: text }).msg };
}

/** `service Bench { rpc Hello(Text) returns (Text); rpc Hellos(stream Text) returns (stream Text); }` */
function bench(): DescService {
  const both = { inputType: ".bench.Text", outputType: ".bench.Text" };
  const file = create(FileDescriptorProtoSchema, {
    name: "bench.proto",
    package: "bench",
    syntax: "proto3",
    messageType: [
      {
        name: "Text",
        field: [
          {
            name: "text",
            number: 1,
            type: FieldDescriptorProto_Type.STRING,
            label: FieldDescriptorProto_Label.OPTIONAL,
          },
        ],
      },
    ],
    service: [
      {
        name: "Bench",
        method: [
          { name: "Hello", ...both },
          { name: "Hellos", ...both, clientStreaming: true, serverStreaming: true },
          { name: "Items", ...both, serverStreaming: true },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, (): undefined => undefined);
  return registry.getService("bench.Bench") as DescService & { input?: DescMessage };
}
