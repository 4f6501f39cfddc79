/** A flag's whole number above 0. Throws Error naming the flag and what was found. */
export function count(flag: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${flag}: expected a whole number above 0, found '${given}'`);
}
