import { normalQuantile, twoSided } from './normal.ts';

/** For a two-sided level of 5 % and a power of 80 %. */
const zLevel = twoSided(0.95);
const zPower = normalQuantile(0.8);

/**
 * Pairs that McNemar's test needs to show, at the 5 % level and with a power of 80 %, that accuracies differ by
 * `difference`, where a share `discordant` of the pairs is answered rightly on one side alone (at least the
 * difference itself). Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample
 * design".
 */
export function pairsToShow(difference: number, discordant: number): number {
  if (!(difference > 0 && difference <= 1 && discordant >= 0 && discordant <= 1)) {
    throw new RangeError(`no difference that could be shown: ${difference} of ${discordant} discordant`);
  }
  const share = Math.max(discordant, difference);
  const root = zLevel * Math.sqrt(share) + zPower * Math.sqrt(share - difference ** 2);
  return Math.ceil((root / difference) ** 2);
}
