/**
 * A reporter for `node:test` that writes one JSON line per finished test, and a last one when the file came
 * to its end. `scripts/test.mjs` counts them.
 */
export default async function* records(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const suite = data.details.type === "suite";
    const skipped = skipReason(data);
    // A suite is only a bracket around tests, unless it was skipped, or failed by itself (in a hook).
    const own = data.details.error?.failureType !== "subtestsFailed";
    if (suite && skipped === undefined && (type === "test:pass" || !own)) continue;
    const outcome = skipped !== undefined ? "skipped" : type === "test:pass" ? "passed" : "failed";
    yield `${JSON.stringify({ outcome, name: data.name, reason: skipped })}\n`;
  }
  yield `${JSON.stringify({ outcome: "end" })}\n`;
}

function skipReason({ skip, todo }) {
  if (skip !== undefined && skip !== false) return typeof skip === "string" ? skip : "no reason given";
  if (todo !== undefined && todo !== false) return `todo${typeof todo === "string" ? `: ${todo}` : ""}`;
  return undefined;
}
