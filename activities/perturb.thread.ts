import { setImmediate } from 'node:timers/promises';
import { cancelled, serveThread } from '../engine/index.ts';
import { taskKinds } from '../schemas/benchmark.ts';
import { encodeSamples } from '../store/index.ts';
import { firstOf, orderOf, poolOf, tablesOf } from './perturb-tables.ts';
import type { MadeTable, PerturbTask } from './perturb-threads.ts';

serveThread<PerturbTask, null, MadeTable>(async ({ conditions, path, setting }, { aborted, progress }) => {
  const { pool } = await poolOf(path, setting);
  const wanted = new Set(conditions);
  for (const kind of taskKinds) {
    const samples = orderOf(kind, pool, setting.seed);
    for (const one of tablesOf(kind, pool, setting)) {
      const condition = `${kind}/${one.name}`;
      if (!wanted.has(condition)) continue;
      if (aborted()) throw cancelled('the perturbation');
      const table = await firstOf(one, samples, setting.count, kind);
      if (table.length === 0) continue;
      const chunks: Uint8Array[] = [];
      const rows = await encodeSamples(table, async (chunk) => {
        chunks.push(chunk.slice());
      });
      progress({ condition, rows, ids: table.map(({ id }) => id), chunks });
      await setImmediate();
    }
  }
  return null;
});
