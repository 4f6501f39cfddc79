import type { AttackConfig, DiagnosisConfig } from './config.ts';
import { reaches } from './levels.ts';

const restartsOfLevels = 3;
const queriesOfLevels = 128;

/**
 * The attacks that a level asks for; without one those of the configuration. `since`: whether a run knows attacks that came later,
 * by the name of the change.
 */
export function attacksAt(
  { attack, level }: Pick<DiagnosisConfig, 'attack' | 'level'>,
  since: (change: string) => boolean = () => true,
): AttackConfig {
  if (level === undefined) return attack;
  if (!reaches(level, 'L3')) return { ...attack, kinds: [] };
  const kinds = new Set([...attack.kinds, 'pgd' as const, 'pgd_sign' as const, 'pixels' as const]);
  if (since('strong attacks')) kinds.add('strong');
  if (reaches(level, 'L4')) {
    kinds.add('universal');
    if (since('universal patterns and triggers')) kinds.add('universal_pixels').add('universal_text');
  }
  return { restarts: restartsOfLevels, queries: queriesOfLevels, ...attack, kinds: [...kinds] };
}
