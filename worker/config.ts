import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { GuardConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { nearestKey } from '../schemas/nearest-key.ts';
import { modelNameOf } from './model-name.ts';
import { packageFolder } from './package-folder.ts';

export { packageFolder } from './package-folder.ts';

export const configName = 'temporal.config.json';

export interface ConfigOptions {
  /** Project folder; by default the working folder. */
  folder?: string;
  /** By default temporal.config.json of the project folder, else the one of this package. */
  configFile?: string;
}

/** A configuration with its file; the paths in it are absolute. */
export type LoadedConfig = GuardConfig & { file: string; model: { name: string } };

function configPath({ configFile, folder = '.' }: ConfigOptions): string {
  if (configFile !== undefined) return resolve(folder, configFile);
  const own = resolve(folder, configName);
  return existsSync(own) ? own : join(packageFolder(), configName);
}

/** The keys that are allowed beside a wrong one. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const part of path) {
    at = unwrap(at);
    if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodObject) at = at.shape[String(part)];
    else return [];
  }
  at = unwrap(at);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let at = schema;
  while (
    at instanceof z.ZodOptional ||
    at instanceof z.ZodNullable ||
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault
  )
    at = at.unwrap();
  return at;
}

function explain(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `"${place || 'the whole file'}": ${issue.message}`;
  const valid = keysAt(GuardConfig, issue.path);
  return issue.keys
    .map((key) => {
      const near = nearestKey(key, valid);
      const hint = near ? `did you mean "${near}"?` : `it may hold ${valid.join(', ')}`;
      return `unknown key "${[...issue.path, key].join('.')}": ${hint}`;
    })
    .join('; ');
}

/** Parses a configuration. @throws GuardError BadConfig naming file and key, with the nearest valid key */
export function parseConfig(text: string, file: string): GuardConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = `${file}: not valid JSON (${(cause as Error).message})`;
    throw new GuardError(ErrorCode.BadConfig, message, { cause });
  }
  const parsed = GuardConfig.safeParse(value);
  if (!parsed.success) {
    throw new GuardError(ErrorCode.BadConfig, `${file}: ${parsed.error.issues.map(explain).join('; ')}`);
  }
  const { policies, policy } = parsed.data;
  const names = policies.map(({ name }) => name);
  if (!names.includes(policy)) {
    const message = `${file}: "policy": there is no policy "${policy}"; "policies" has ${names.join(', ')}`;
    throw new GuardError(ErrorCode.BadConfig, message);
  }
  return parsed.data;
}

function absolute(base: string, { gate, task }: GuardConfig['nightly']) {
  return {
    ...(gate === undefined ? {} : { gate: resolve(base, gate) }),
    ...(task === undefined ? {} : { task: resolve(base, task) }),
  };
}

/** @throws GuardError BadConfig naming file and key */
export async function loadConfig(options: ConfigOptions = {}): Promise<LoadedConfig> {
  const file = configPath(options);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new GuardError(ErrorCode.BadConfig, `${file}: cannot be read (${reason}); check the path`, {
      cause,
    });
  }
  const config = parseConfig(text, file);
  const base = dirname(file);
  const folder = resolve(base, config.model.folder);
  const name = config.model.name ?? (await modelNameOf(folder));
  return {
    ...config,
    file,
    model: { ...config.model, name, folder },
    data: { folder: resolve(base, config.data.folder) },
    nightly: { ...config.nightly, ...absolute(base, config.nightly) },
  };
}
