import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesToKeep, openAnswerModel } from '../../../models/index.ts';
import { answersOf, remove, scratch } from '../published.ts';
import { built } from './build.ts';
import { publishedFolders } from './published-folders.ts';

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
  it.each(publishedFolders.map((each, i) => ({ ...each, i })))(
    '$name',
    async ({ base, expected, i, steps }) => {
      const folder = await built(base, join(parent, `folder ${i}`), steps);
      if (typeof expected !== 'string') {
        const message = await refused(openAnswerModel(folder));
        expect(message).toMatch(/^BAD_MODEL /);
        expect(message).toMatch(expected);
        return;
      }
      expect((await filesToKeep(folder))?.files).toContain('config.json');
      const answers = await answersOf(folder);
      const own = await asIs(base);
      expect(answers).toHaveLength(own.length);
      const apart = Math.max(...answers.map((answer, i) => Math.abs(answer - own[i]!)));
      if (expected === 'same') expect(apart).toBeLessThan(1e-6);
    },
  );
});
