// Writes docs/report.schema.json from the schemas; run it after a change of schemas/report.ts (npm run build first).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reportSchema } from '../dist/schemas/report-schema.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = fileURLToPath(new URL('../docs/report.schema.json', import.meta.url));
writeFileSync(file, JSON.stringify(reportSchema()));
const { status } = spawnSync(
  process.execPath,
  ['node_modules/@biomejs/biome/bin/biome', 'format', '--write', file],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);
process.exitCode = status ?? 1;
