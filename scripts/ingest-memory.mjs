/**
 * What `ingest` takes for rows of text as CSV, JSON lines and Parquet of one row group: seconds, and the peak of memory.
 * `npm run bench:ingest [rows] [csv|jsonl|parquet …]`, 1,000,000 rows and all three unless given.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';

const program = fileURLToPath(new URL('../cli/modality-guard.mjs', import.meta.url));
const [count = '1000000', ...kinds] = process.argv.slice(2);
const forms = { csv: 'FORMAT csv', jsonl: 'FORMAT json', parquet: `FORMAT parquet, ROW_GROUP_SIZE ${count}` };
const columns = {
  id: "'row ' || i",
  question: "'Which of these is so, as part ' || i || ' of the line reads: ' || hash(i)",
  ...Object.fromEntries(
    ['A', 'B', 'C', 'D'].map((letter) => [letter, `'${letter} ' || hash(i + ascii('${letter}'))`]),
  ),
  answer: 'chr(65 + (i % 4)::int)',
  decides: "'text'",
};
const select = Object.entries(columns)
  .map(([name, value]) => `${value} AS ${name}`)
  .join(', ');

const folder = mkdtempSync(join(tmpdir(), 'guard-memory-'));
try {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  console.log(`${count} rows, ${cpus().length} cores of ${cpus()[0].model}, Node ${process.version}`);
  for (const kind of kinds.length > 0 ? kinds : Object.keys(forms)) {
    const file = join(folder, `big.${kind}`);
    await connection.run(`COPY (SELECT ${select} FROM range(${count}) t(i)) TO '${file}' (${forms[kind]})`);
    const peak = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'))`;
    const began = performance.now();
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(peak)}`,
        program,
        'ingest',
        file,
        '--out',
        join(folder, kind),
      ],
      { encoding: 'utf8' },
    );
    const seconds = Math.round((performance.now() - began) / 1000);
    const kilobytes = Number(/peak (\d+)/.exec(stderr)?.[1]);
    if (status !== 0) throw new Error(stderr);
    const size = Math.round(statSync(file).size / 1e6);
    console.log(`${kind}: ${size} MB, ${seconds} s, ${Math.round(kilobytes / 1024)} MiB at the peak`);
    rmSync(file);
  }
  connection.closeSync();
  instance.closeSync();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
