import { createInbox } from "@ts-micro/nats-connection";

/** Where connections of ours are opened, below the subject that go-micro's clients write to. */
export const diallingOf = (subject: string): string => `${subject}.dial`;

/** Where connections of bytes are opened. */
export const connectingOf = (subject: string): string => `${subject}.connect`;

/**
 * The subject to listen on for an address: the address itself, or a new one when its port is 0, as go-micro's.
 * @throws Error saying why the address is none
 */
export function listeningSubject(address: string): string {
  if (/:0$/.test(address)) return createInbox();
  const [, host] = /^(.*):[^:]*$/.exec(address) ?? [];
  if (host !== undefined && ["", "0.0.0.0", "[::]"].includes(host)) {
    throw new Error(
      "a subject is not a port of an interface; choose one that others can dial, or port 0 for any",
    );
  }
  if (!isSubject(address))
    throw new Error("it is not a subject: it has blanks, wildcards or an empty part between dots");
  return address;
}

export function isSubject(text: string): boolean {
  return !/[\s\0*>]/.test(text) && !text.split(".").includes("");
}
