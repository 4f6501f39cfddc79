import type { Tensor } from '../../engine/index.ts';
import type { Past } from './decoder.ts';

/** One row of a cache. */
export interface PastRow {
  past: Past;
  row: number;
}

/** A cache with these rows, all of one length, in this order; the same row may come several times. */
export function gatherPasts(rows: readonly PastRow[]): Past {
  const [first] = rows as [PastRow, ...PastRow[]];
  const { length } = first.past;
  const tensors = new Map<string, Tensor>();
  for (const [name, { data, dims, dtype }] of first.past.tensors) {
    const [of, ...rest] = dims as [number, ...number[]];
    const size = data.length / of;
    const gathered = new (data.constructor as new (length: number) => Tensor['data'])(size * rows.length);
    for (const [i, { past, row }] of rows.entries()) {
      const source = past.tensors.get(name)?.data as Float32Array;
      (gathered as Float32Array).set(source.subarray(row * size, (row + 1) * size), i * size);
    }
    tensors.set(name, { dtype, dims: [rows.length, ...rest], data: gathered });
  }
  return { length, tensors };
}
