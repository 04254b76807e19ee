import { canonicalKey, type Metadata, newMetadata } from "../metadata.ts";
import { BadFrame } from "./line.ts";

/**
 * The metadata of a call, a stream or a message: a JSON object of texts, or `-`.
 * @throws BadFrame, or a SyntaxError
 */
export function readMetadata(field: string): Metadata {
  const metadata = newMetadata();
  if (field === "-") return metadata;
  const sent: unknown = JSON.parse(field);
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) {
    throw new BadFrame("metadata that is no object");
  }
  for (const key in sent) {
    const value: unknown = (sent as Record<string, unknown>)[key];
    if (typeof value !== "string") throw new BadFrame(`metadata whose ${JSON.stringify(key)} is no text`);
    metadata[canonicalKey(key)] = value;
  }
  return metadata;
}
