import { badRequest, type MicroError } from "ts-micro";
import { brokerErrorId, checkTopic } from "ts-micro/broker";

/**
 * A topic as a subject to publish on.
 * @throws MicroError 400
 */
export function checkPublishable(topic: string): void {
  checkSubject(topic, "publish on");
  if (hasWildcards(topic)) throw malformed(topic, "publish on", "wildcards are for subscribing");
}

/**
 * A topic as a subject to subscribe to; it may have wildcards.
 * @throws MicroError 400
 */
export function checkSubscribable(topic: string, queue: string | undefined): void {
  checkSubject(topic, "subscribe to");
  if (/\s/.test(queue ?? "")) throw malformed(topic, "subscribe to", `queue "${queue}" has blanks`);
}

/** True when every subject that `narrow` matches is matched by `wide`. */
export function covers(wide: string, narrow: string): boolean {
  const [wideTokens, narrowTokens] = [wide.split("."), narrow.split(".")];
  for (const [index, token] of wideTokens.entries()) {
    const other = narrowTokens[index];
    if (other === undefined) return false;
    if (token === ">") return true;
    if (other === ">" || (token !== "*" && token !== other)) return false;
  }
  return wideTokens.length === narrowTokens.length;
}

export function hasWildcards(subject: string): boolean {
  return /(^|\.)[*>](\.|$)/.test(subject);
}

/** What the server would refuse, or understand as two words. */
function checkSubject(topic: string, what: string): void {
  checkTopic(topic);
  if (/[\s\0]/.test(topic)) throw malformed(topic, what, "NATS allows no blanks");
  if (topic.split(".").includes("")) throw malformed(topic, what, "NATS allows no empty part between dots");
}

function malformed(topic: string, what: string, why: string): MicroError {
  return badRequest(brokerErrorId, `can't ${what} "${topic}": ${why}`);
}
