/** 000 to 999. */
const lastDigits = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, "0"));

/**
 * The digits of a whole number that is used once, as those of calls are. V8 remembers thousands of the texts that it makes of
 * numbers: when each is a new one it never finds any, and all of them outlive young collections.
 */
export function decimal(number: number): string {
  return number < 1000 ? String(number) : `${Math.floor(number / 1000)}${lastDigits[number % 1000]}`;
}
