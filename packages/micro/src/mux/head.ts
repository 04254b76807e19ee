import { BadFrame, type Line } from "./line.ts";

/** What is constant for many calls, and named by a number. A member that was not sent is empty. */
export interface NamedHead {
  readonly service: string;
  readonly endpoint: string;
  readonly contentType: string;
  readonly from: string;
}

/** Heads that a connection may have. A well-behaved caller gives their numbers anew when they are used up. */
const maxHeads = 4096;

/** Length of a head's JSON: they are kept for as long as the connection. */
export const maxHeadBytes = 16 * 1024;

/**
 * An `h` frame: the number that is given, perhaps anew, and what it stands for.
 * @throws BadFrame, or a SyntaxError
 */
export function readHead(line: Line): { number: number; head: NamedHead } {
  const number = line.number();
  if (number >= maxHeads) throw new BadFrame(`a head with the number ${number}; they end at ${maxHeads - 1}`);
  const length = line.bytes?.length ?? line.end - line.at;
  if (length > maxHeadBytes) throw new BadFrame(`a head of ${length} bytes, of ${maxHeadBytes} allowed`);
  const text = line.bytes?.toString() ?? line.rest();
  const { service, endpoint, contentType, from } = JSON.parse(text) as Record<string, unknown>;
  return {
    number,
    head: {
      service: word(service),
      endpoint: word(endpoint),
      contentType: word(contentType),
      from: word(from),
    },
  };
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}
