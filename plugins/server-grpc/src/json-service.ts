/**
 * A protobuf service for a handler that has no schema: `Greeter` is also served as `json.Greeter`, where each body
 * is a `google.protobuf.Value`, which can hold any JSON. So a tool that only knows reflection and binary protobuf
 * can list, describe and call it (docs/decisions/0310-json-services.md).
 */
import {
  create,
  createFileRegistry,
  type DescService,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  type MethodDescriptorProtoSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { MessageType } from "ts-micro/codec";
import type { EndpointHandler, Handler, Route, Router } from "ts-micro/server";

const prefix = "json.";

/** True for a name that can only be that of a service described here. */
export function isJsonService(name: string): boolean {
  return name.startsWith(prefix);
}

const schemas = new WeakMap<Handler, DescService>();

/**
 * The descriptor of `json.Greeter` for the handler `Greeter`. Undefined when there is nothing to describe: it has
 * a schema, it is internal, or its endpoints have types of their own.
 */
export function jsonSchema(handler: Handler): DescService | undefined {
  if (handler.internal || handler.schema !== undefined || !handler.endpoints.some(isOpen)) return undefined;
  let schema = schemas.get(handler);
  if (schema === undefined) {
    const registry = createFileRegistry(fileOf(handler), () => file_google_protobuf_struct);
    schema = registry.getService(prefix + handler.name) as DescService;
    schemas.set(handler, schema);
  }
  return schema;
}

/** The endpoint of the handler itself, wrappers included, with other types for its bodies. */
export function findJsonRoute(
  router: Router,
  service: string,
  method: string,
): Route | "no-method" | undefined {
  const handler = router.handlers().find(({ name }) => prefix + name === service);
  if (handler === undefined || jsonSchema(handler) === undefined) return undefined;
  const route = router.findIn(handler.name, method);
  if (typeof route === "string" || !isOpen(route)) return "no-method";
  return {
    ...route,
    requestType: anyJson,
    responseType: boxedJson as MessageType,
    invoke: route.streaming
      ? (request, context) => boxEach(route.invoke(request, context))
      : async (request, context) => new Box(await route.invoke(request, context)),
  };
}

/** An answer, even when there is none: an absent body would be an empty `Value`, which has no JSON. */
class Box {
  readonly json: unknown;

  constructor(json: unknown) {
    this.json = json;
  }
}

async function* boxEach(answers: unknown): AsyncIterable<Box> {
  for await (const answer of (await answers) as AsyncIterable<unknown>) yield new Box(answer);
}

/** Nothing is known of the form of its bodies. */
function isOpen({
  requestType,
  responseType,
}: Partial<Pick<Route, "requestType" | "responseType">>): boolean {
  return requestType === undefined && responseType === undefined;
}

function fileOf({ name, endpoints }: Handler): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: `json/${name}.proto`,
    package: "json",
    syntax: "proto3",
    dependency: [file_google_protobuf_struct.proto.name],
    service: [{ name, method: endpoints.filter(isOpen).map(methodOf) }],
  });
}

function methodOf({
  name,
  streaming,
}: EndpointHandler): MessageInitShape<typeof MethodDescriptorProtoSchema> {
  return {
    name: name.slice(name.lastIndexOf(".") + 1),
    inputType: `.${ValueSchema.typeName}`,
    outputType: `.${ValueSchema.typeName}`,
    clientStreaming: streaming,
    serverStreaming: streaming,
  };
}

const anyJson: MessageType = {
  encode(value) {
    // What JSON would carry: dates as texts, `undefined` left out.
    const json: JsonValue = value === undefined ? null : JSON.parse(JSON.stringify(value));
    return toBinary(ValueSchema, fromJson(ValueSchema, json));
  },
  // The empty message is what tools send when they are given no data.
  decode: (bytes) => (bytes.length === 0 ? undefined : toJson(ValueSchema, fromBinary(ValueSchema, bytes))),
};

const boxedJson: MessageType<Box> = {
  encode: ({ json }) => anyJson.encode(json),
  decode: (bytes) => new Box(anyJson.decode(bytes)),
  toJson: ({ json }) => json,
};
