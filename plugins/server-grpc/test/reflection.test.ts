import assert from "node:assert/strict";
import { test } from "node:test";
import {
  create,
  createFileRegistry,
  type DescService,
  fromBinary,
  fromJson,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type Value,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { isGrpcError, statusCode } from "@ts-micro/grpc-wire";
import { newHandler, stream } from "ts-micro/server";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
} from "../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { setUp } from "./set-up.ts";

/** Two files, one of which imports the other and adds a field to a message of it. */
const shop = createFileRegistry(
  fromJson(FileDescriptorSetSchema, {
    file: [
      {
        name: "shop/base.proto",
        package: "shop",
        messageType: [
          {
            name: "Item",
            field: [{ name: "name", number: 1, type: "TYPE_STRING", label: "LABEL_OPTIONAL" }],
            extensionRange: [{ start: 100, end: 200 }],
            nestedType: [{ name: "Part" }],
          },
        ],
      },
      {
        name: "shop/orders.proto",
        package: "shop",
        dependency: ["shop/base.proto"],
        extension: [
          { name: "note", number: 100, type: "TYPE_STRING", label: "LABEL_OPTIONAL", extendee: ".shop.Item" },
        ],
        service: [
          { name: "Orders", method: [{ name: "Place", inputType: ".shop.Item", outputType: ".shop.Item" }] },
        ],
      },
    ],
  }),
);
const orders = newHandler(shop.getService("shop.Orders") as DescService, { place: (item: never) => item });
const say = newHandler("Say", {
  Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}`, at: new Date(0), none: undefined }),
  Count: stream(async function* (requests) {
    for await (const request of requests) yield request;
  }),
  Nothing: () => undefined,
});
const hidden = newHandler("Hidden", { Look: () => ({}) }, { internal: true });

type Setting = Awaited<ReturnType<typeof setUp>>;
type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

/** Asks on one stream. */
async function ask({ clientOf }: Setting, ...questions: Question[]) {
  const requests = questions.map((messageRequest) => ({ host: "here", messageRequest }));
  const answers = [];
  for await (const answer of clientOf(ServerReflection).serverReflectionInfo(requests)) {
    assert.equal(answer.validHost, "here");
    assert.equal(answer.originalRequest?.messageRequest.case, questions[answers.length]?.case);
    answers.push(answer.messageResponse);
  }
  return answers;
}

type Answer = Awaited<ReturnType<typeof ask>>[number];

function filesIn(answer: Answer | undefined): string[] {
  assert.equal(answer?.case, "fileDescriptorResponse");
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

const own = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
];

test("services are listed by their whole names, a handler without a schema as JSON, internal ones not", async (context) => {
  const setting = await setUp(context, [orders, say, hidden]);
  const list = { case: "listServices", value: "" } as const;
  const [before] = await ask(setting, list);
  assert.equal(before?.case, "listServicesResponse");
  assert.deepEqual(
    before.value.service.map(({ name }) => name),
    [...own, "json.Say", "shop.Orders"],
  );
  setting.server.handle(newHandler("Late", { Come: () => ({}) }));
  const [after] = await ask(setting, list);
  assert.equal(after?.case, "listServicesResponse");
  assert.ok(after.value.service.some(({ name }) => name === "json.Late"));
});

test("a file comes with what it imports, and on one stream nothing imported comes twice", async (context) => {
  const setting = await setUp(context, [orders]);
  const [byName, bySymbol] = await ask(
    setting,
    { case: "fileByFilename", value: "shop/orders.proto" },
    { case: "fileContainingSymbol", value: "shop.Orders" },
  );
  assert.deepEqual(filesIn(byName), ["shop/orders.proto", "shop/base.proto"]);
  assert.deepEqual(filesIn(bySymbol), ["shop/orders.proto"]);
});

test("files are found by service, method, type, nested type and extension", async (context) => {
  const setting = await setUp(context, [orders]);
  const expected: [string, string][] = [
    ["shop.Orders", "shop/orders.proto"],
    ["shop.Orders.Place", "shop/orders.proto"],
    ["shop.Item", "shop/base.proto"],
    ["shop.Item.Part", "shop/base.proto"],
    ["shop.note", "shop/orders.proto"],
    ["errors.Error", "errors/errors.proto"],
    ["grpc.health.v1.Health.Check", "grpc/health/v1/health.proto"],
  ];
  for (const [symbol, file] of expected) {
    const [answer] = await ask(setting, { case: "fileContainingSymbol", value: symbol });
    assert.equal(filesIn(answer)[0], file, symbol);
  }
  const [extension, numbers, none] = await ask(
    setting,
    { case: "fileContainingExtension", value: { containingType: "shop.Item", extensionNumber: 100 } },
    { case: "allExtensionNumbersOfType", value: "shop.Item" },
    { case: "allExtensionNumbersOfType", value: "shop.Item.Part" },
  );
  assert.equal(filesIn(extension)[0], "shop/orders.proto");
  assert.ok(numbers?.case === "allExtensionNumbersResponse" && none?.case === "allExtensionNumbersResponse");
  assert.equal(numbers.value.baseTypeName, "shop.Item");
  assert.deepEqual(numbers.value.extensionNumber, [100]);
  assert.deepEqual(none.value.extensionNumber, []);
});

test("what isn't known is told inside of the stream, which goes on", async (context) => {
  const setting = await setUp(context, [orders]);
  const answers = await ask(
    setting,
    { case: "fileByFilename", value: "nope.proto" },
    { case: "fileContainingSymbol", value: "shop.Orders.Nope" },
    { case: "fileContainingSymbol", value: "" },
    { case: "fileContainingExtension", value: { containingType: "shop.Item", extensionNumber: 101 } },
    { case: "allExtensionNumbersOfType", value: "shop.Orders" },
  );
  const texts = answers.map((answer) => {
    assert.equal(answer.case, "errorResponse");
    assert.equal(answer.value.errorCode, statusCode.notFound);
    return answer.value.errorMessage;
  });
  assert.deepEqual(texts, [
    'no file "nope.proto" is known here',
    'no symbol "shop.Orders.Nope" is known here',
    'no symbol "" is known here',
    'no extension 101 of "shop.Item" is known here',
    'no message "shop.Orders" is known here',
  ]);
  await assert.rejects(
    ask(setting, { case: undefined }),
    (thrown) => isGrpcError(thrown) && thrown.grpc.code === statusCode.invalidArgument,
  );
});

test("the older version says the same", async (context) => {
  const { clientOf } = await setUp(context, [orders]);
  const requests = [{ messageRequest: { case: "fileContainingSymbol", value: "shop.Orders" } } as const];
  for await (const { messageResponse } of clientOf(ServerReflectionAlpha).serverReflectionInfo(requests)) {
    assert.equal(messageResponse.case, "fileDescriptorResponse");
    assert.equal(messageResponse.value.fileDescriptorProto.length, 2);
  }
});

test("a handler without a schema is called with any JSON, through its wrappers and by its own name", async (context) => {
  const endpoints: string[] = [];
  const setting = await setUp(context, [say, hidden], {
    wrapHandler: [
      (next) => (request, callContext) => {
        endpoints.push(request.endpoint);
        return next(request, callContext);
      },
    ],
  });
  const [answer] = await ask(setting, { case: "fileContainingSymbol", value: "json.Say" });
  assert.deepEqual(filesIn(answer), ["json/Say.proto", "google/protobuf/struct.proto"]);
  assert.equal(answer?.case, "fileDescriptorResponse");
  const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const schema = createFileRegistry(create(FileDescriptorSetSchema, { file: files.reverse() }));
  // As any tool does it: with nothing but what reflection has told.
  const client = setting.clientOf(schema.getService("json.Say") as DescService) as unknown as JsonSay;
  endpoints.length = 0;
  const hello = await client.hello(fromJson(ValueSchema, { name: "John" }));
  assert.deepEqual(toJson(ValueSchema, hello), { msg: "Hello John", at: "1970-01-01T00:00:00.000Z" });
  assert.equal(
    toJson(ValueSchema, await client.nothing(fromJson(ValueSchema, [1, "two", null, true]))),
    null,
  );
  const counted = [];
  for await (const value of client.count([1, "two"].map((json) => fromJson(ValueSchema, json)))) {
    counted.push(toJson(ValueSchema, value));
  }
  assert.deepEqual(counted, [1, "two"]);
  assert.deepEqual(endpoints, ["Say.Hello", "Say.Nothing", "Say.Count"]);
  const call = {
    service: "greeter",
    package: "json",
    body: new Uint8Array(),
    addresses: [setting.server.address],
  };
  for (const endpoint of ["Say.Nope", "Nope.Hello"]) {
    await assert.rejects(
      setting.client.call({ ...call, endpoint }),
      (thrown) => isGrpcError(thrown) && thrown.grpc.code === statusCode.unimplemented,
      endpoint,
    );
  }
});

interface JsonSay {
  hello(request: Value): Promise<Value>;
  nothing(request: Value): Promise<Value>;
  count(requests: Iterable<Value>): AsyncIterable<Value>;
}

test("it can be turned off, and a stream that nobody uses doesn't keep the server from stopping", async (context) => {
  const off = await setUp(context, [say], { reflection: false });
  await assert.rejects(
    ask(off, { case: "listServices", value: "" }),
    (thrown) => isGrpcError(thrown) && thrown.grpc.code === statusCode.unimplemented,
  );

  const on = await setUp(context, [say]);
  const open = await on.client.stream({
    service: "greeter",
    package: "grpc.reflection.v1",
    endpoint: "ServerReflection.ServerReflectionInfo",
    addresses: [on.server.address],
    contentType: "application/grpc+proto",
  });
  const question = create(ServerReflectionRequestSchema, {
    messageRequest: { case: "listServices", value: "" },
  });
  await open.send(toBinary(ServerReflectionRequestSchema, question));
  const answers = open[Symbol.asyncIterator]();
  assert.equal((await answers.next()).done, false);
  const stopped = on.server.stop();
  assert.equal((await answers.next()).done, true);
  await stopped;
});
