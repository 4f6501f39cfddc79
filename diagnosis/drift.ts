import { pictureBrightness, pictureKinds } from '../pictures/index.ts';
import { type EncodedImage, type Prediction, type Sample, textsBeside } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { answeredPairs, byId } from './measures/figures.ts';
import { type Psi, psi, psiOfCategories } from './statistics/psi.ts';
import { wilson } from './statistics/wilson.ts';

/** What is watched of one request. No feature needs the right answer. */
export interface RequestFeatures {
  taskKind: string;
  /** Characters of context and question together. */
  textLength: number;
  /** Mean over pixels and colour channels, 0 (black) to 1; null without an image. */
  brightness: number | null;
  /** Index of the option answered; null: none was. */
  predicted: number | null;
}

/** PSI by feature, keyed by these names. */
export const driftFeatures = ['taskKind', 'textLength', 'hasImage', 'brightness', 'predicted'] as const;
export type DriftFeature = (typeof driftFeatures)[number];

async function brightnessOf({ bytes, path }: EncodedImage): Promise<number> {
  const brightness = await pictureBrightness(bytes);
  if (brightness !== null) return brightness;
  const name = path ?? 'image without a name';
  throw new GuardError(
    ErrorCode.BadInput,
    `${name}: cannot be decoded; store request images as ${pictureKinds}`,
  );
}

/** Features of one logged request. @throws GuardError BadInput naming an image that cannot be decoded */
export async function requestFeatures(
  request: Pick<Sample, 'taskKind' | 'question' | 'context' | 'inside' | 'after' | 'image'>,
  predicted: number | null,
): Promise<RequestFeatures> {
  return {
    taskKind: request.taskKind,
    textLength: [...textsBeside(request), request.question].reduce((sum, { length }) => sum + length, 0),
    brightness: request.image === null ? null : await brightnessOf(request.image),
    predicted,
  };
}

/**
 * Input drift of `actual` (new requests) against `expected` (those of the diagnosis). `brightness` compares requests with an
 * image, and is left out where one side has none; `hasImage` then tells.
 * @throws GuardError BadInput for an empty side.
 */
export function inputDrift(
  expected: readonly RequestFeatures[],
  actual: readonly RequestFeatures[],
): Partial<Record<DriftFeature, Psi>> {
  if (expected.length === 0 || actual.length === 0) {
    throw new GuardError(ErrorCode.BadInput, 'Drift needs at least one request before and one after.');
  }
  const categories = (value: (request: RequestFeatures) => string) =>
    psiOfCategories(expected.map(value), actual.map(value));
  const numbers = (value: (request: RequestFeatures) => number) =>
    psi(expected.map(value), actual.map(value));
  const bright = (requests: readonly RequestFeatures[]) =>
    requests.flatMap(({ brightness }) => (brightness === null ? [] : [brightness]));
  const [before, after] = [bright(expected), bright(actual)];
  return {
    taskKind: categories((request) => request.taskKind),
    textLength: numbers((request) => request.textLength),
    hasImage: categories((request) => String(request.brightness !== null)),
    ...(before.length > 0 && after.length > 0 ? { brightness: psi(before, after) } : {}),
    predicted: categories((request) => String(request.predicted)),
  };
}

/**
 * Whether a PSI is an alarm: above `threshold` (0.25 by custom; 0.1 is worth a look), and above three times what chance gives
 * at these numbers of requests, so that a short log does not cry wolf.
 */
export function isDrift(measured: Psi, threshold = 0.25): boolean {
  return measured.value > threshold && measured.value > 3 * measured.byChance;
}

/**
 * Prediction change rate on live pairs: each request as it came and under a perturbation of its irrelevant modality.
 * Needs no right answers; pairs of which one was not answered are left out, and `n` counts the others. @throws GuardError BadInput
 * for no pairs, a repeated id, a request without its pair, or where no pair was answered.
 */
export function liveChangeRate(
  asAsked: readonly Prediction[],
  perturbed: readonly Prediction[],
): { changeRate: number; n: number; ci95: [number, number] } {
  if (perturbed.length === 0)
    throw new GuardError(ErrorCode.BadInput, 'No pairs of requests to measure a change rate on.');
  const pairs = answeredPairs(asAsked, [...byId(perturbed).values()]);
  const n = pairs.length;
  if (n === 0)
    throw new GuardError(
      ErrorCode.BadInput,
      'None of the requests was answered both as it came and perturbed.',
    );
  const changed = pairs.filter(({ after, before }) => after.predicted !== before.predicted).length;
  return { changeRate: changed / n, n, ci95: wilson(changed, n) };
}
