import type { Notice } from '../schemas/observe.ts';
import { inEvidence } from './evidence.ts';
import { tell } from './tell.ts';

/** Tells people of what no other workflow knows of, such as a schedule that a person has paused. */
export function notice(
  about: string,
  told: Pick<Notice, 'kind' | 'model' | 'message' | 'commands'>,
): Promise<void> {
  return inEvidence(() => tell(about, told));
}
