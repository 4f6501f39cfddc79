import { studentTwoSided } from '../../diagnosis/index.ts';

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const squares = (values: readonly number[], centre: number) =>
  values.reduce((sum, value) => sum + (value - centre) ** 2, 0);

/**
 * Mean of `values` ([seed][sample], of the same samples throughout) and half of its 95 % interval. Seeds and samples are both taken for
 * drawn: a two-way layout with random effects and without repetition, whose mean squares give the variance of the mean and, by Satterthwaite, its
 * degrees of freedom. Of one seed the interval is over its samples alone. Source: Searle, Casella and McCulloch 1992, chapter 4.
 */
export function crossedMean(values: readonly (readonly number[])[]): { mean: number; half: number } {
  const [seeds, samples] = [values.length, values[0]?.length ?? 0];
  if (seeds === 0 || samples < 2) throw new RangeError('an interval needs a seed and two samples');
  if (values.some((row) => row.length !== samples)) throw new RangeError('seeds with different samples');
  const bySeed = values.map(mean);
  const centre = mean(bySeed);
  const bySample = values[0]!.map((_, i) => mean(values.map((row) => row[i]!)));
  const ofSamples = (seeds * squares(bySample, centre)) / (samples - 1);
  if (seeds === 1) {
    return { mean: centre, half: studentTwoSided(0.95, samples - 1) * Math.sqrt(ofSamples / samples) };
  }
  const ofSeeds = (samples * squares(bySeed, centre)) / (seeds - 1);
  const rest = values.flatMap((row, s) => row.map((value, i) => value - bySeed[s]! - bySample[i]! + centre));
  const ofRest = squares(rest, 0) / ((seeds - 1) * (samples - 1));
  // Less than either spread alone says would be an accident of the subtraction.
  const spread = Math.max(ofSeeds + ofSamples - ofRest, ofSeeds, ofSamples);
  if (spread === 0) return { mean: centre, half: 0 };
  const df =
    (ofSeeds + ofSamples - ofRest) ** 2 /
    (ofSeeds ** 2 / (seeds - 1) +
      ofSamples ** 2 / (samples - 1) +
      ofRest ** 2 / ((seeds - 1) * (samples - 1)));
  const half = studentTwoSided(0.95, Math.max(1, df)) * Math.sqrt(spread / (seeds * samples));
  return { mean: centre, half };
}
