import { setTimeout as pause } from "node:timers/promises";

/**
 * Resolves once `holds` does. Nothing is asserted on how long that takes: the test's own limit ends what hangs.
 * @param meanwhile done before each further look
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  meanwhile = () => pause(20),
): Promise<void> {
  while (!(await holds())) await meanwhile();
}
