import type { Check } from './check.ts';

/** What CUDA takes, a line for each thing that is missing. */
export async function checkCuda(): Promise<Check[]> {
  const { inspectCuda } = await import('../../engine/index.ts');
  const parts = await inspectCuda();
  return parts.map((part) => ({ group: 'accelerators', needed: false, ...part }));
}
