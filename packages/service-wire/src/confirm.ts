import { getMetadata, type Metadata } from "ts-micro";

const confirmHeader = "Micro-Confirm";

/**
 * Asks the serving side for an empty first item as soon as nothing can be missed any more, and gives the stream a
 * name. go-micro's services know nothing of it, and its clients don't ask: they would take the item for a message.
 */
export function askToConfirm(id: string): Metadata {
  return { [confirmHeader]: id };
}

/** The stream's name, when it is to be confirmed. */
export function confirmationAsked(metadata: Metadata): string | undefined {
  return getMetadata(metadata, confirmHeader);
}
