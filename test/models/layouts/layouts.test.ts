import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesToKeep, openAnswerModel } from '../../../models/index.ts';
import { answersOf, remove, scratch } from '../published.ts';
import { built } from './build.ts';
import { publishedFolders } from './published-folders.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** What came of an input, for the table of scripts/inputs.mjs. */
    came?: string;
  }
}

let parent: string;
beforeAll(async () => {
  parent = await scratch();
});
afterAll(() => remove(parent));

const plain = new Map<string, Promise<number[]>>();
function asIs(base: string): Promise<number[]> {
  if (!plain.has(base)) plain.set(base, built(base, join(parent, `plain ${base}`), []).then(answersOf));
  return plain.get(base)!;
}

const refused = (opening: Promise<unknown>) =>
  opening.then(
    () => 'opened',
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );

describe('a published folder', () => {
  it.for(publishedFolders.map((each, i) => ({ ...each, i })))(
    '$name',
    async ({ base, expected, i, steps }, { task }) => {
      const folder = await built(base, join(parent, `folder ${i}`), steps);
      if (typeof expected !== 'string') {
        const message = await refused(openAnswerModel(folder));
        expect(message).toMatch(/^BAD_MODEL /);
        task.meta.came = `refused: ${message.replaceAll(`${folder}`, '<folder>')}`;
        expect(message).toMatch(expected);
        return;
      }
      expect((await filesToKeep(folder))?.files).toContain('config.json');
      const answers = await answersOf(folder);
      task.meta.came = 'read';
      const own = await asIs(base);
      expect(answers).toHaveLength(own.length);
      const apart = Math.max(...answers.map((answer, i) => Math.abs(answer - own[i]!)));
      if (expected === 'same') expect(apart).toBeLessThan(1e-6);
    },
  );
});
