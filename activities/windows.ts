import { groupedBy } from '../diagnosis/index.ts';
import { Random } from '../random/index.ts';
import { type PerturbedSample, type TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { readSamples } from '../store/index.ts';
import { answerableBy } from './answerable.ts';

/** One of `of` windows, from 0. */
export interface Window {
  index: number;
  of: number;
}

/** The held-out samples that can be compared: those that have an answer and that the model in the folder can be asked. */
export async function comparable(path: string, folder: string | null): Promise<PerturbedSample[]> {
  const labelled = (await readSamples(path)).filter(({ answer }) => answer !== null);
  return folder === null ? labelled : answerableBy(folder, labelled);
}

/**
 * The samples split into so many windows that share no source item, of each kind of task as evenly as whole items allow, and at
 * most `count` of a kind in each. In the order of ids.
 */
export function windowsOf(
  samples: readonly PerturbedSample[],
  of: number,
  count: number,
  seed: number,
): PerturbedSample[][] {
  const places = new Map<string, number>();
  const windows = Array.from({ length: of }, (): Record<TaskKind, PerturbedSample[]> => {
    return { image_heavy: [], text_heavy: [], vqa: [] };
  });
  for (const kind of taskKinds) {
    const bySource = groupedBy(
      samples.filter(({ taskKind }) => taskKind === kind),
      ({ source }) => source,
    );
    const sources = new Random(seed, 'windows', kind).shuffle([...bySource.keys()].sort());
    // Items that a kind before has placed are where they are; the others even that out.
    sources.sort((a, b) => Number(places.has(b)) - Number(places.has(a)));
    for (const source of sources) {
      const sizes = windows.map((window) => window[kind].length);
      const place = places.get(source) ?? sizes.indexOf(Math.min(...sizes));
      places.set(source, place);
      windows[place]![kind].push(...bySource.get(source)!);
    }
  }
  return windows.map((window) =>
    taskKinds
      .flatMap((kind) => window[kind].slice(0, count))
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
  );
}
