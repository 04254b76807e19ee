/**
 * Protobuf descriptors, as `protoc-gen-es` generates them, and the types of their messages.
 *
 * Declared here are only the members that ts-micro looks at, and the types are taken from what generated code
 * carries. So nothing imports `@bufbuild/protobuf`, and a program without schemas compiles without it.
 */

/** What a server keeps of a handler's schema. */
export interface ServiceSchema {
  readonly kind: "service";
  /** With the package: `helloworld.Greeter`. */
  readonly typeName: string;
}

/** A service: the `DescService` of `@bufbuild/protobuf`, and each `GenService`. */
export interface ServiceDescriptor extends ServiceSchema {
  /** Without the package: `Greeter`. */
  readonly name: string;
  /** In the order of the `.proto` file. */
  readonly methods: readonly MethodDescriptor[];
  /** By `localName`. */
  readonly method: { readonly [localName: string]: MethodDescriptor };
}

export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

export interface MethodDescriptor {
  /** As in the `.proto` file, and in the endpoint's name: `SayHello`. */
  readonly name: string;
  /** As in TypeScript: `sayHello`. */
  readonly localName: string;
  readonly methodKind: MethodKind;
  readonly input: MessageDescriptor;
  readonly output: MessageDescriptor;
  /** `idempotency_level` of the method: 0 unknown, 1 no side effects, 2 idempotent. */
  readonly idempotency: number;
}

export interface MessageDescriptor extends NamedDescriptor {
  readonly kind: "message";
  /** With the package: `helloworld.HelloRequest`. */
  readonly typeName: string;
  /** In the order of the `.proto` file, those of a oneof included. */
  readonly fields: readonly FieldDescriptor[];
}

/** A message or an enumeration, and the message that it stands in. */
export interface NamedDescriptor {
  readonly name: string;
  readonly parent: NamedDescriptor | undefined;
}

/** Of a list or a map, `scalar`, `enum` and `message` say what is in it. */
export interface FieldDescriptor {
  /** As in the `.proto` file: `first_name`. */
  readonly name: string;
  readonly fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  /** Number of the type in protobuf's own descriptors. */
  readonly scalar: number | undefined;
  readonly enum: NamedDescriptor | undefined;
  readonly message: MessageDescriptor | undefined;
}

/** The methods of a service, by their names in TypeScript. */
export type Methods<S extends ServiceDescriptor> = S["method"];

/** The message of a generated descriptor; of one that was made at run time, any fields. */
export type MessageOf<D extends MessageDescriptor> =
  D extends Generated<infer Shape> ? Shape : Record<string, unknown>;

/** How generated code of `@bufbuild/protobuf` 2 ties a descriptor to the type of its messages. */
type Generated<Shape> =
  | { readonly $codegenv2: { readonly a: Shape } }
  | { readonly $codegenv1: { readonly a: Shape } };

/**
 * What a message can be made of: a plain object in which every field may be left out, or the message itself.
 *
 * `$typeName` is in it, though never to be given: without it, a message of another type would do.
 */
export type MessageInit<M> =
  | { [F in keyof M as F extends "$unknown" ? never : F]?: F extends "$typeName" ? never : FieldInit<M[F]> }
  | M;

type FieldInit<F> = F extends string | number | bigint | boolean | Uint8Array
  ? F
  : F extends readonly (infer Element)[]
    ? readonly FieldInit<Element>[]
    : F extends AnyMessage
      ? MessageInit<F>
      : F extends { case: infer Case extends string; value: infer Value extends AnyMessage }
        ? { case: Case; value: MessageInit<Value> }
        : F extends { case: string | undefined }
          ? F
          : F extends { [key: string | number]: infer Value extends AnyMessage }
            ? { [key: string | number]: MessageInit<Value> }
            : F;

type AnyMessage = { readonly $typeName: string };

/** True for a service descriptor of any copy of `@bufbuild/protobuf`. */
export function isServiceDescriptor(value: unknown): value is ServiceDescriptor {
  if (typeof value !== "object" || value === null) return false;
  const { kind, typeName, methods } = value as Partial<ServiceDescriptor>;
  return kind === "service" && typeof typeName === "string" && Array.isArray(methods);
}

/** `helloworld` of `helloworld.Greeter`; empty without a package. */
export function packageOf({ typeName, name }: ServiceDescriptor): string {
  return typeName.slice(0, Math.max(0, typeName.length - name.length - 1));
}
