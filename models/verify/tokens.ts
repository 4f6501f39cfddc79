import type { Tensor } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Context } from './context.ts';
import { numbersOf } from './numbers.ts';

/** One row of numbers a token: [rows, width]. */
function rowsOf(tensor: Tensor, width: number): Float64Array[] {
  const values = numbersOf(tensor);
  return Array.from({ length: values.length / width }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/**
 * Positions (batch and length as one axis) that the image's features take among the embeddings, in order: where the
 * image token stands, else where stored embeddings are stored features. Undefined where neither tells.
 */
export function imagePositions(
  arrays: ReadonlyMap<string, Tensor>,
  features: Tensor,
  imageToken: number | undefined,
): number[] | undefined {
  const count = features.dims.slice(0, -1).reduce((a, b) => a * b, 1);
  const ids = arrays.get('input_ids');
  if (ids && imageToken !== undefined) {
    const slots = [...numbersOf(ids).entries()].filter(([, id]) => id === imageToken).map(([i]) => i);
    if (slots.length === count) return slots;
  }
  const [embeds, width] = [arrays.get('inputs_embeds'), features.dims.at(-1) as number];
  if (embeds?.dims.at(-1) !== width) return undefined;
  const rows = rowsOf(embeds, width);
  const found: number[] = [];
  for (const feature of rowsOf(features, width)) {
    const at = rows.findIndex((row, i) => i > (found.at(-1) ?? -1) && near(row, feature));
    if (at < 0) return undefined;
    found.push(at);
  }
  return found;
}

function near(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, i) => Math.abs(value - (b[i] as number)) <= 1e-4 * (1 + Math.abs(value)));
}

/** The rows of [batch, length, width] at some positions, as a float32 tensor of the given shape. */
export function pickRows(tensor: Tensor, positions: readonly number[], dims: readonly number[]): Tensor {
  const width = tensor.dims.at(-1) as number;
  const values = numbersOf(tensor);
  const data = new Float32Array(positions.length * width);
  positions.forEach((position, row) => {
    data.set(values.subarray(position * width, (position + 1) * width), row * width);
  });
  return { dtype: 'float32', dims: [...dims], data };
}

/** A float32 copy with other rows at some positions; without `rows` zeros. */
export function placeRows(tensor: Tensor, positions: readonly number[], rows?: Tensor): Tensor {
  const width = tensor.dims.at(-1) as number;
  const data = Float32Array.from(numbersOf(tensor));
  const values = rows ? numbersOf(rows) : new Float64Array(positions.length * width);
  positions.forEach((position, row) => {
    data.set(values.subarray(row * width, (row + 1) * width), position * width);
  });
  return { dtype: 'float32', dims: [...tensor.dims], data };
}

/** Logits at the last position, a row a sample. */
export function lastLogits(logits: Tensor): Float64Array[] {
  const classes = logits.dims.at(-1) as number;
  const batch = logits.dims[0] as number;
  const all = rowsOf(logits, classes);
  const each = all.length / batch;
  return Array.from({ length: batch }, (_, row) => all[(row + 1) * each - 1] as Float64Array);
}

function crossEntropy(logits: Float64Array, answer: number): number {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, value) => total + Math.exp(value - top), 0);
  return top + Math.log(sum) - (logits[answer] as number);
}

/**
 * Token ids of the answers, one a row: stored, or (for one row) the token whose cross-entropy under the stored logits is
 * the stored loss. Throws GuardError BAD_INPUT where they cannot be told; the context's log hears of a deduction.
 */
export function answersOf({ reference, sizes: { batch }, log }: Context): number[] {
  const stored = reference.arrays.get('answer_id');
  if (stored) return [...numbersOf(stored)];
  if (reference.answerId !== undefined) return new Array(batch).fill(reference.answerId);
  const [logits, loss] = [reference.arrays.get('logits'), reference.arrays.get('loss')];
  const row = logits && lastLogits(logits)[0];
  if (!row || !loss || batch !== 1) {
    throw new GuardError(
      ErrorCode.BadInput,
      'the reference does not tell the answer: store answer_id, or logits and loss of one sample',
    );
  }
  const target = numbersOf(loss)[0] as number;
  const distance = Array.from(row, (_, id) => Math.abs(crossEntropy(row, id) - target));
  const order = distance.map((_, id) => id).sort((a, b) => (distance[a] as number) - (distance[b] as number));
  const [best, second] = order as [number, number];
  const close = (distance[second] as number) - (distance[best] as number) < 1e-6 * (1 + Math.abs(target));
  log(
    `the answer is not stored: token ${best} gives the stored loss` +
      (close ? ` (so does ${second}: ambiguous, store answer_id)` : ''),
  );
  return [best];
}
