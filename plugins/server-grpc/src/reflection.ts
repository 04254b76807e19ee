import type { DescFile } from "@bufbuild/protobuf";
import { badRequest } from "ts-micro";
import { type Handler, newHandler } from "ts-micro/server";
import { type Described, encodeFile, fileName, withDependencies } from "./described.ts";
import { ServerReflection, type ServerReflectionRequest } from "./gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { until } from "./until.ts";

type Request = ServerReflectionRequest | ServerReflectionRequestAlpha;

/**
 * Server reflection, in its present version and the one that older tools ask for. Both say the same.
 *
 * @param described asked for each request, because handlers may be added at any time
 * @param closing ends the streams, which would keep a server from stopping
 */
export function newReflection(described: () => Described, closing: AbortSignal): Handler[] {
  async function* answers<R extends Request>(requests: AsyncIterable<R>) {
    const answer = newConversation();
    for await (const request of until(requests, closing)) {
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(described(), request),
      };
    }
  }
  return [
    newHandler(ServerReflection, { serverReflectionInfo: answers }, { internal: true }),
    newHandler(ServerReflectionAlpha, { serverReflectionInfo: answers }, { internal: true }),
  ];
}

/** gRPC's status code: reflection tells its failures inside of the stream. */
const notFound = 5;

/** Answers one stream, in which no file is sent twice. */
function newConversation() {
  const sent = new Set<string>();

  return (described: Described, { messageRequest: asked }: Request) => {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse" as const,
          value: { service: described.services.map((name) => ({ name })) },
        };
      case "fileByFilename":
        return files(described.fileNamed(asked.value), `file ${JSON.stringify(asked.value)}`);
      case "fileContainingSymbol":
        return files(described.fileOf(asked.value), `symbol ${JSON.stringify(asked.value)}`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        return files(
          described.fileOfExtension(containingType, extensionNumber),
          `extension ${extensionNumber} of ${JSON.stringify(containingType)}`,
        );
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = described.extensionNumbers(asked.value);
        return extensionNumber === undefined
          ? failure(`message ${JSON.stringify(asked.value)}`)
          : {
              case: "allExtensionNumbersResponse" as const,
              value: { baseTypeName: asked.value, extensionNumber },
            };
      }
      default:
        throw badRequest("go.micro.server", "a reflection request without a question");
    }
  };

  /** The file first, then what it imports. */
  function files(file: DescFile | undefined, what: string) {
    if (file === undefined) return failure(what);
    const all = [...withDependencies([file]).values()];
    // The file that was asked for is sent again: an empty answer would be none.
    const unsent = all.filter((each) => each === file || !sent.has(fileName(each)));
    for (const each of unsent) sent.add(fileName(each));
    return {
      case: "fileDescriptorResponse" as const,
      value: { fileDescriptorProto: unsent.map(encodeFile) },
    };
  }

  function failure(what: string) {
    return {
      case: "errorResponse" as const,
      value: { errorCode: notFound, errorMessage: `no ${what} is known here` },
    };
  }
}
