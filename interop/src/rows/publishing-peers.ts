/** Publishers and subscribers of one topic, ours and programs on go-micro. */
import { create, fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { getMetadata, newService, type Service } from "ts-micro";
import type { MessageType } from "ts-micro/codec";
import { GreetingSchema } from "../gen/greeter/greeter_pb.ts";
import type { GoMicro } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { serve } from "../program.ts";

/** A user that a subscriber was told of, and the metadata `X-Color` that came beside it. */
export interface Told {
  readonly name: string;
  readonly color: string;
}

export interface Subscriber extends AsyncDisposable {
  told(): readonly Told[];
}

export interface Publisher extends AsyncDisposable {
  /** Publishes the user with `X-Color: red`. */
  publish(name: string): Promise<void>;
}

export interface Topic {
  readonly topic: string;
  /** go-micro's, and ours: which broker, and which registry. */
  readonly flags: readonly string[];
  /** Variables for go-micro's. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `default` is what a client of go-micro's takes when nobody chooses. */
export type ContentType = "application/json" | "application/protobuf" | "default";

const user: MessageType = {
  encode: (value) => toBinary(GreetingSchema, create(GreetingSchema, value as { name: string })),
  decode: (bytes) => fromBinary(GreetingSchema, bytes),
  fromJson: (value) => fromJson(GreetingSchema, value as JsonValue),
};

export async function ourSubscriber({ topic, flags }: Topic, queue?: string): Promise<Subscriber> {
  const told: Told[] = [];
  const service = await ourService(flags, (service) => {
    service.subscribe<{ name: string }>(
      topic,
      ({ name }, { metadata }) => {
        told.push({ name, color: getMetadata(metadata, "X-Color") ?? "" });
      },
      { type: user, ...(queue !== undefined && { queue }) },
    );
  });
  return { told: () => told, [Symbol.asyncDispose]: () => service.stop() };
}

export async function goSubscriber(
  go: GoMicro,
  { topic, flags, env }: Topic,
  queue = "",
): Promise<Subscriber> {
  const own = [...flags, "--server_address=127.0.0.1:0"];
  const program = await serve(go.program("pubsub").path, own, /^ready$/m, {
    ...env,
    TOPIC: topic,
    QUEUE: queue,
  });
  return {
    told: () =>
      [...program.printed().stdout.matchAll(/^got (.*)$/gm)].map(([, line = ""]) => JSON.parse(line)),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

export async function ourPublisher({ topic, flags }: Topic, contentType: ContentType): Promise<Publisher> {
  const service = await ourService(flags);
  const options = { metadata: { "X-Color": "red" }, ...(contentType !== "default" && { contentType }) };
  return {
    publish: (name) =>
      service.publish(
        topic,
        { name },
        contentType === "application/protobuf" ? { ...options, type: user } : options,
      ),
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

export async function goPublisher(
  go: GoMicro,
  { topic, flags, env }: Topic,
  contentType: ContentType,
): Promise<Publisher> {
  const program = await serve(go.program("pubsub").path, flags, /^ready$/m, {
    ...env,
    TOPIC: topic,
    PUBLISH: contentType,
  });
  return {
    publish: async (name) => program.write(`${name}\n`),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function ourService(flags: readonly string[], prepare = (_: Service): void => {}): Promise<Service> {
  const argv = [...flags, "--server_address=127.0.0.1:0"];
  const service = newService({ name: newName(), argv, env: { MICRO_LOG_LEVEL: "error" } });
  await service.init();
  prepare(service);
  await service.start();
  return service;
}
