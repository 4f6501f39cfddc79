import { isAnswered, type Prediction } from '../../schemas/benchmark.ts';

/** How answers spread over the option places. */
export interface LetterBias {
  /** Share of the predictions that choose the first, second, ... option. */
  predicted: number[];
  /** Share of the labels there; null without labels. */
  answers: number[] | null;
  /**
   * Total variation distance between the two: the share of answers that would have to move. Without labels the
   * distance from what choosing every option of a sample equally often would give. Null: nothing was answered.
   */
  bias: number | null;
}

/** Letter bias over all predictions that are answered; they may have different numbers of options. */
export function letterBias(all: readonly Prediction[]): LetterBias {
  const predictions = all.filter(isAnswered);
  if (predictions.length === 0) return { predicted: [], answers: null, bias: null };
  const places = Math.max(0, ...predictions.map(({ probabilities }) => probabilities.length));
  const shares = (mass: (prediction: Prediction, place: number) => number, of: readonly Prediction[]) =>
    Array.from(
      { length: places },
      (_, place) => of.reduce((sum, prediction) => sum + mass(prediction, place), 0) / of.length,
    );
  const labelled = predictions.filter(({ answer }) => answer !== null);
  const compared = labelled.length > 0 ? labelled : predictions;
  const expected =
    labelled.length > 0
      ? shares(({ answer }, place) => Number(answer === place), labelled)
      : shares(({ probabilities: p }, place) => (place < p.length ? 1 / p.length : 0), predictions);
  const chosen = shares(({ predicted }, place) => Number(predicted === place), compared);
  return {
    predicted: shares(({ predicted }, place) => Number(predicted === place), predictions),
    answers: labelled.length > 0 ? expected : null,
    bias: chosen.reduce((sum, share, place) => sum + Math.abs(share - expected[place]!), 0) / 2,
  };
}
