import assert from "node:assert/strict";
import { MicroError } from "ts-micro";

/** What is expected of an error; what isn't named may be anything. */
export interface ExpectedError {
  readonly id?: string;
  readonly code: number;
  readonly detail?: string;
}

/** The call must be rejected with that MicroError. */
export async function failsWith(call: () => Promise<unknown>, expected: ExpectedError): Promise<void> {
  await assert.rejects(call, (thrown) => {
    assert.ok(MicroError.is(thrown), `${thrown} is no MicroError`);
    const { id, code, detail } = thrown;
    assert.deepEqual({ id, code, detail }, { id, detail, ...expected });
    return true;
  });
}
