import { randomUUID } from "node:crypto";
import type { Broker } from "../broker/broker.ts";
import { codecFor, readableContentType } from "../codec/codecs.ts";
import { headers } from "../headers.ts";
import type { ClientPublishOptions } from "./client.ts";
import type { MetadataSource } from "./inherit.ts";
import type { ClientSettings } from "./settings.ts";

type Publish = (
  broker: () => Broker,
  topic: string,
  body: unknown,
  options?: ClientPublishOptions,
) => Promise<void>;

/** Publishing, the same for clients of every protocol (go-micro `client/rpc_client.go`, Publish). */
export function publisher(settings: ClientSettings, metadata: MetadataSource): Publish {
  let connected: { broker: Broker; done: Promise<void> } | undefined;

  /** Connects a broker once; a failure is forgotten, so that the next publish tries again. */
  const connect = (broker: Broker): Promise<void> => {
    if (connected?.broker === broker) return connected.done;
    const done = broker.connect();
    connected = { broker, done };
    done.catch(() => {
      if (connected?.done === done) connected = undefined;
    });
    return done;
  };

  // Nobody knows who subscribes.
  const usual = readableContentType(settings.contentType, settings.codecs);

  return async (currentBroker, topic, body, options = {}) => {
    const contentType = options.contentType ?? usual;
    const header = metadata(options.metadata, options.context?.metadata);
    const id = randomUUID();
    header[headers.contentType] = contentType;
    header[headers.id] = id;
    header[headers.topic] = topic;
    const frame = { kind: "event", id, endpoint: "", error: "" } as const;
    const bytes = codecFor(contentType, settings.codecs).encode(body, frame, options.type);
    const broker = currentBroker();
    await connect(broker);
    const { signal } = options;
    await broker.publish(
      options.exchange ?? topic,
      { header, body: bytes },
      signal === undefined ? {} : { signal },
    );
  };
}
