/** Shape arithmetic of ONNX (NumPy rules). */

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) throw new Error(`[${a}] and [${b}] do not broadcast`);
    return left === 1 ? right : left;
  });
}

export function reducedDims(dims: readonly number[], axes: readonly number[], keep: boolean): number[] {
  return dims.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
}

export function swapLast(dims: readonly number[]): number[] {
  const copy = [...dims];
  [copy[copy.length - 1], copy[copy.length - 2]] = [copy.at(-2) as number, copy.at(-1) as number];
  return copy;
}

export function matmulDims(a: readonly number[], b: readonly number[]): number[] {
  if (a.at(-1) !== b.at(-2)) throw new Error(`[${a}] and [${b}] cannot be multiplied`);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), a.at(-2) as number, b.at(-1) as number];
}
