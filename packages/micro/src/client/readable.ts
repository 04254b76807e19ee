import { announcedCodecs, readableContentType } from "../codec/codecs.ts";
import type { Node } from "../registry/registry.ts";
import type { StreamRequest } from "./client.ts";
import type { ClientSettings } from "./settings.ts";

/**
 * Makes a function that gives a request as the node can read it: with another content type where the one asked for is a
 * codec's that the node doesn't announce (`Codec.fallback`); else the request itself.
 */
export function readableBy(
  settings: ClientSettings,
): <Request extends StreamRequest>(request: Request, node: Node) => Request {
  const { codecs } = settings;
  const special = new Set(announcedCodecs(codecs));
  return (request, node) => {
    const asked = request.contentType ?? settings.contentType;
    if (!special.has(asked)) return request;
    // What is encoded already stays what it is: the node says itself that it can't read it.
    if ("body" in request && request.body instanceof Uint8Array) return request;
    const contentType = readableContentType(asked, codecs, node.metadata.codecs);
    return contentType === asked ? request : { ...request, contentType };
  };
}
