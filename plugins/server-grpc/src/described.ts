import { createRegistry, type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Handler } from "ts-micro/server";
import { file_errors_errors } from "./gen/errors/errors_pb.ts";
import { jsonSchema } from "./json-service.ts";

/** What there is to tell about the services of one server at one moment. */
export interface Described {
  /** Whole names, sorted. */
  readonly services: readonly string[];
  fileNamed(name: string): DescFile | undefined;
  /** The file in which a service, a method, a type or an extension of that whole name is. */
  fileOf(symbol: string): DescFile | undefined;
  /** The file in which field `number` is added to the message `typeName`. */
  fileOfExtension(typeName: string, number: number): DescFile | undefined;
  /** Numbers of the known extensions of a message; `undefined` when there is no such message. */
  extensionNumbers(typeName: string): number[] | undefined;
}

/**
 * Looks at what the handlers were made from. Those without a schema are described as JSON. What calls fail with is
 * known besides, so that tools can read the details of go-micro's errors.
 */
export function describe(handlers: readonly Handler[]): Described {
  const schemas = handlers.map(schemaOf).filter((schema) => schema !== undefined);
  const files = withDependencies([...schemas.map(({ file }) => file), file_errors_errors]);
  const registry = createRegistry(...files.values());
  const extensions = [...registry].filter((type) => type.kind === "extension");

  return {
    services: schemas.map(({ typeName }) => typeName).sort(),
    fileNamed: (name) => files.get(name),

    fileOf(symbol) {
      const type = registry.get(symbol);
      if (type !== undefined) return type.file;
      const dot = symbol.lastIndexOf(".");
      const service = registry.getService(symbol.slice(0, dot));
      return service?.methods.some(({ name }) => name === symbol.slice(dot + 1)) ? service.file : undefined;
    },

    fileOfExtension(typeName, number) {
      const message = registry.getMessage(typeName);
      return message && registry.getExtensionFor(message, number)?.file;
    },

    extensionNumbers(typeName) {
      if (registry.getMessage(typeName) === undefined) return undefined;
      return extensions.filter(({ extendee }) => extendee.typeName === typeName).map(({ number }) => number);
    },
  };
}

/** A file as reflection sends it. */
export function encodeFile(file: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, file.proto);
}

/** As a `.proto` file is named by those that import it. */
export function fileName(file: DescFile): string {
  return file.proto.name;
}

/** The files and all that they import, by name. */
export function withDependencies(files: Iterable<DescFile>): Map<string, DescFile> {
  const found = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (found.has(fileName(file))) return;
    found.set(fileName(file), file);
    file.dependencies.forEach(visit);
  };
  for (const file of files) visit(file);
  return found;
}

/** Undefined for what other libraries generate: it says too little. */
function schemaOf(handler: Handler): DescService | undefined {
  const { schema } = handler;
  if (schema === undefined) return jsonSchema(handler);
  return "file" in schema ? (schema as DescService) : undefined;
}
