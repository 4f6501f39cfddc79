import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { PredictionScore } from '../schemas/estimate.ts';
import { canonicalJson } from './canonical.ts';
import { asStorageError } from './storage-errors.ts';

/** The record of how good predictions were: JSON lines in a project's state folder. */
export const scoresFile = (stateDir: string) => join(stateDir, 'estimates.jsonl');

/** Every prediction that has been scored; none where there is no record yet. @throws GuardError BadInput naming the line */
export async function readScores(stateDir: string): Promise<PredictionScore[]> {
  const file = scoresFile(stateDir);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line, i) => {
    if (line === '') return [];
    try {
      return PredictionScore.parse(JSON.parse(line));
    } catch (cause) {
      const what = `line ${i + 1} is no scored prediction; repair it or take it out`;
      throw new GuardError(ErrorCode.BadInput, `${file}: ${what}`, { cause });
    }
  });
}

/**
 * Adds what is not in the record yet. A step that is tried again, or another run that took the same pilot and training from
 * the cache, predicts nothing anew, and counts once.
 */
export async function addScores(stateDir: string, scores: readonly PredictionScore[]): Promise<void> {
  const keyOf = ({ at: _, workflowId: __, ...what }: PredictionScore) => canonicalJson(what);
  const known = new Set((await readScores(stateDir)).map(keyOf));
  const lines = scores
    .filter((score) => !known.has(keyOf(score)))
    .map((score) => `${JSON.stringify(score)}\n`);
  if (lines.length === 0) return;
  const file = scoresFile(stateDir);
  try {
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, lines.join(''));
  } catch (error) {
    throw asStorageError(error, 'write', file);
  }
}
