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
  let connected: Connecting | undefined;

  /** Connects a broker once; a failure is forgotten, so that the next publish tries again. */
  const connect = (broker: Broker): Connecting => {
    if (connected?.broker === broker) return connected;
    const connecting: Connecting = { broker, done: broker.connect(), isDone: false };
    connected = connecting;
    connecting.done.then(
      () => {
        connecting.isDone = true;
      },
      () => {
        if (connected === connecting) connected = undefined;
      },
    );
    return connecting;
  };

  // Nobody knows who subscribes.
  const usual = readableContentType(settings.contentType, settings.codecs);

  const publish: Publish = (currentBroker, topic, body, options = {}) => {
    const contentType = options.contentType ?? usual;
    const header = metadata(options.metadata, options.context?.metadata);
    const id = randomUUID();
    header[headers.contentType] = contentType;
    header[headers.id] = id;
    header[headers.topic] = topic;
    const frame = { kind: "event", id, endpoint: "", error: "" } as const;
    const bytes = codecFor(contentType, settings.codecs).encode(body, frame, options.type);
    const broker = currentBroker();
    const { signal } = options;
    const send = (): Promise<void> =>
      broker.publish(
        options.exchange ?? topic,
        { header, body: bytes },
        signal === undefined ? noOptions : { signal },
      );
    const connecting = connect(broker);
    return connecting.isDone ? send() : connecting.done.then(send);
  };
  return (...given) => {
    try {
      return publish(...given);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };
}

interface Connecting {
  readonly broker: Broker;
  readonly done: Promise<void>;
  isDone: boolean;
}

const noOptions = {};
