import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectFlags } from '../flags.ts';
import { loadApi, projectOptions } from '../session.ts';
import type { Check } from './check.ts';

/** Configuration, model and benchmark of the project. */
export async function checkData(flags: ProjectFlags): Promise<Check[]> {
  const check = { group: 'data', needed: true } as const;
  try {
    const { loadConfig } = await loadApi();
    const config = await loadConfig(projectOptions(flags));
    return [
      { ...check, name: 'configuration', ok: true, detail: config.file },
      { ...check, name: 'model', ...(await checkModel(config.model.folder)) },
      { ...check, name: 'benchmark', ...(await checkBenchmark(config.data.folder)) },
    ];
  } catch (error) {
    return [{ ...check, name: 'configuration', ok: false, detail: (error as Error).message }];
  }
}

async function checkModel(folder: string): Promise<{ ok: boolean; detail: string }> {
  const { filesToKeep, modelFiles } = await import('../../models/index.ts');
  try {
    if (await filesToKeep(folder)) return { ok: true, detail: folder };
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  }
  for (const file of Object.values(modelFiles)) {
    try {
      if (file.endsWith('.json')) JSON.parse(await readFile(join(folder, file), 'utf8'));
      else if ((await stat(join(folder, file))).size === 0) throw new Error('empty');
    } catch (error) {
      return {
        ok: false,
        detail: `${join(folder, file)}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
      };
    }
  }
  return { ok: true, detail: folder };
}

async function checkBenchmark(folder: string): Promise<{ ok: boolean; detail: string }> {
  try {
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.parquet'));
    if (files.length === 0) return { ok: false, detail: `${folder} holds no Parquet file` };
    return { ok: true, detail: `${folder}, ${files.length} Parquet files` };
  } catch (error) {
    return { ok: false, detail: `${folder}: ${(error as NodeJS.ErrnoException).code}` };
  }
}
