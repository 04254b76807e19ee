/**
 * The name of a topic's stream, or of a queue's consumer: `user.created` is `user_created`. The server allows neither dots nor
 * wildcards in names, and makes folders of them. Different texts have different names.
 */
export function nameOf(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/gu, (letter) => (letter === "." ? "_" : hex(letter)));
}

function hex(letter: string): string {
  return [...Buffer.from(letter)]
    .map((byte) => `=${byte.toString(16).padStart(2, "0").toUpperCase()}`)
    .join("");
}
