import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reportSchema } from '../../schemas/report-schema.ts';
import { packageFolder } from '../../worker/index.ts';

it('keeps docs/report.schema.json as the schemas say (write it with node scripts/report-schema.mjs)', async () => {
  const written = JSON.parse(await readFile(join(packageFolder(), 'docs/report.schema.json'), 'utf8'));
  expect(written).toEqual(reportSchema());
});
