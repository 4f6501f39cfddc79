/** A flag's whole number above 0. Throws Error naming the flag and what was found. */
export function count(flag: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${flag}: expected a whole number above 0, found '${given}'`);
}

/** Whole numbers of a flag that is given several times, or with commas between them; each is kept once. */
export function wholeNumbers(flag: string, given: readonly string[]): number[] {
  return [...new Set(given.flatMap((one) => one.split(',')).map((one) => count(flag, one)))];
}
