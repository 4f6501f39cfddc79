import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { GuardConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { nearestKey } from '../schemas/nearest-key.ts';
import { checkPlace } from '../store/index.ts';
import { modelNameOf } from './model-name.ts';
import { packageFolder } from './package-folder.ts';

export { packageFolder } from './package-folder.ts';

export const configName = 'temporal.config.json';
/** The same in YAML, which may hold comments. */
const yamlNames = ['temporal.config.yaml', 'temporal.config.yml'] as const;
/** In place of a folder: the model or the benchmark that comes with this package. */
const embedded = 'embedded';

export interface ConfigOptions {
  /** Project folder; by default the working folder. */
  folder?: string;
  /** By default temporal.config.json or .yaml of the project folder, else the one of this package. */
  configFile?: string;
}

/** A configuration with its file; the paths in it are absolute. */
export type LoadedConfig = GuardConfig & { file: string; model: { name: string } };

function configPath({ configFile, folder = '.' }: ConfigOptions): string {
  if (configFile !== undefined) return resolve(folder, configFile);
  const own = [configName, ...yamlNames]
    .map((name) => resolve(folder, name))
    .filter((path) => existsSync(path));
  if (own.length > 1)
    throw new GuardError(
      ErrorCode.BadConfig,
      `${own.join(' and ')}: two configurations, and which one counts is not said; keep one, or name it with --config`,
    );
  return own[0] ?? join(packageFolder(), configName);
}

function valueIn(text: string, file: string): unknown {
  const isYaml = /\.ya?ml$/i.test(file);
  try {
    return isYaml ? parse(text, { logLevel: 'error', maxAliasCount: 100 }) : JSON.parse(text);
  } catch (cause) {
    const [first] = (cause as Error).message.split('\n');
    const message = `${file}: not valid ${isYaml ? 'YAML' : 'JSON'} (${first})`;
    throw new GuardError(ErrorCode.BadConfig, message, { cause });
  }
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
  const parsed = GuardConfig.safeParse(valueIn(text, file));
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
  await checkPlace(file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new GuardError(ErrorCode.BadConfig, `${file}: ${whyUnreadable(cause)}`, { cause });
  }
  const config = parseConfig(text, file);
  const base = dirname(file);
  const folderOf = (path: string, own: string) =>
    path === embedded ? join(packageFolder(), own) : resolve(base, path);
  const folder = folderOf(config.model.folder, 'data/model');
  const data = folderOf(config.data.folder, 'data/benchmark');
  for (const place of [folder, data]) await checkPlace(place);
  const name = config.model.name ?? (await modelNameOf(folder));
  return {
    ...config,
    file,
    model: { ...config.model, name, folder },
    data: { folder: data },
    nightly: { ...config.nightly, ...absolute(base, config.nightly) },
  };
}
