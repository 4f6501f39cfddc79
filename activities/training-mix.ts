import { type PerturbedSample, taskKinds } from '../schemas/benchmark.ts';
import type { RunReport } from '../schemas/report.ts';
import type { Mix } from '../schemas/workflow.ts';

const prefix = 'mixed in/';

/** A name for a sample or source of a set that is mixed in, which the data of the run cannot have. */
export const underNameOf = (name: string): string => `${prefix}${name}`;

const isMixedIn = ({ id }: Pick<PerturbedSample, 'id'>) => id.startsWith(prefix);

type Part = NonNullable<RunReport['trainingMix']>[number];

/** Counts of whose samples training rows are made. */
export class TrainingMix {
  private readonly parts = new Map<string, Omit<Part, 'samples'> & { ids: Set<string> }>();
  private readonly from: string;

  /** `from`: what the set is called that samples were mixed in from. */
  constructor(mix: Pick<Mix, 'from'> | undefined) {
    this.from = mix?.from ?? 'another set';
  }

  add(row: Pick<PerturbedSample, 'id' | 'taskKind'>): void {
    const from = isMixedIn(row) ? this.from : null;
    const key = JSON.stringify([row.taskKind, from]);
    const part = this.parts.get(key) ?? { taskKind: row.taskKind, from, ids: new Set<string>(), rows: 0 };
    part.ids.add(row.id);
    part.rows++;
    this.parts.set(key, part);
  }

  /** By kind of task: of one kind all are the run's own, or all are mixed in. */
  get all(): Part[] {
    return [...this.parts.values()]
      .map(({ ids, ...part }) => ({ ...part, samples: ids.size }))
      .sort((a, b) => taskKinds.indexOf(a.taskKind) - taskKinds.indexOf(b.taskKind));
  }
}
