import type { TaskKind } from '../schemas/benchmark.ts';
import type { DiagnosisConfig } from '../schemas/config.ts';
import { reaches } from '../schemas/levels.ts';

/** Steps that the pictures of a level are made in: one part is answered while the next is made. */
const pictureParts = 4;

/** The quickest to perturb first: the model then has something to answer at once. */
export const kindsInTurn = ['vqa', 'image_heavy', 'text_heavy'] as const satisfies TaskKind[];

/** One step that perturbs: a kind whole, a part of it, or what is left after its parts, which is the clean samples. */
export interface Perturbing {
  kind: TaskKind;
  label: string;
  part?: { index: number; of: number };
  afterParts?: true;
}

export function perturbingOf(kind: TaskKind, level: DiagnosisConfig['level']): Perturbing[] {
  if (kind !== 'text_heavy' || !reaches(level, 'L1')) return [{ kind, label: kind }];
  const parts = Array.from({ length: pictureParts }, (_, index) => ({
    kind,
    label: `${kind}, part ${index + 1} of ${pictureParts}`,
    part: { index, of: pictureParts },
  }));
  return [...parts, { kind, label: `${kind}, clean`, afterParts: true }];
}
