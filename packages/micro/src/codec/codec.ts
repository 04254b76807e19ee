/**
 * Turns values into body bytes and back, chosen by the content type of a message.
 */
export interface Codec {
  /** `json`, `protobuf`... */
  readonly name: string;
  /**
   * A content type for the same values. With it, a server announces this codec's content types in its node's metadata
   * `codecs`, and a client uses them only with nodes that do; others, and messages that are published, get this one.
   * @default none: what is asked for is sent, and who doesn't know it answers 415
   */
  readonly fallback?: string;
  /**
   * Bytes are taken as encoded already (go-micro's `bytes.Frame`); `undefined` is an absent body.
   * @param type how to encode `value` when it is not bytes already. JSON codecs use its `toJson` and `fromJson`,
   *   and do without a type that has none
   * @throws MicroError 500 `encode-failed` naming the codec and what was given
   */
  encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array;
  /**
   * @throws MicroError 400 `decode-failed` naming the codec and the reason. Never crashes on foreign bytes.
   */
  decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded;
  /**
   * For bodies that are JSON text: the same value as text, without a line feed, for protocols of our own that write it
   * among other text. Nobody but JSON's readers sees it, so it needs none of Go's escapes. `undefined` for a value that is encoded already.
   * @throws MicroError as `encode` does
   */
  encodeText?(value: unknown, frame: Frame, type?: MessageType): string | undefined;
  /**
   * What `encode` gives, as text, where `decodeText` reads that too; `undefined` for a value that is encoded already.
   * @throws MicroError as `encode` does
   */
  bodyText?(value: unknown, frame: Frame, type?: MessageType): string | undefined;
  /**
   * Reads the text of either.
   * @throws MicroError as `decode` does
   */
  decodeText?(text: string, kind: FrameKind, type?: MessageType): unknown;
  /**
   * What `encode` gives, as text with a character of up to 0xff for each byte, for codecs to which that is less work:
   * protocols of our own write it among other text. `undefined` for a value that is encoded already.
   * @throws MicroError as `encode` does
   */
  encodeLatin1?(value: unknown, frame: Frame, type?: MessageType): string | undefined;
}

/** What a message is. Some codecs (json-rpc, proto-rpc) write an envelope that depends on it. */
export type FrameKind = "request" | "response" | "error" | "event";

/** The call a body belongs to, for codecs whose body repeats it. */
export interface Frame {
  kind: FrameKind;
  /** `Micro-Id`. */
  id: string;
  /** `Type.Method`. */
  endpoint: string;
  /** Text of `Micro-Error`, for kind `error`. */
  error: string;
}

export interface Decoded {
  /** `undefined` when the body was empty, unless that is a value: no bytes, or a protobuf message of defaults. */
  value: unknown;
  /** What the envelope said, for codecs that have one. */
  endpoint?: string;
  id?: string;
  error?: string;
}

/**
 * Encodes and decodes one type of message: what generated protobuf code gives, whatever library made it.
 * Without one, a protobuf body is carried as bytes.
 */
export interface MessageType<T = unknown> {
  /** Full name of the protobuf message, `helloworld.HelloRequest`, for texts. */
  readonly typeName?: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /**
   * What JSON codecs write for `value`, such as protobuf's JSON form. With `forGo` the form that Go's encoding/json
   * reads into the structs of protoc-gen-go: fields as the schema names them, enums as numbers, and numbers of 64 bits
   * as bigints, which are written as numbers.
   * @default the value itself
   */
  toJson?(value: T, forGo?: boolean): unknown;
  /**
   * The value that parsed JSON stands for. Integers of up to 64 bits that a number can't hold exactly are texts in it.
   * Throws for JSON of another form.
   * @default the JSON itself
   */
  fromJson?(json: unknown): T;
}

/** Content type → codec. */
export type Codecs = Readonly<Record<string, Codec>>;
