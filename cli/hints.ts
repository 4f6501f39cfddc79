import { isAbsolute, relative } from 'node:path';
import type { ProjectFlags } from './flags.ts';

type Where = Pick<ProjectFlags, 'config' | 'stateDir'>;

/** A word as a shell takes it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A path as people see it: from the working folder on where it lies in that. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** The flags with which a command finds the same project. */
export function sameProject({ config, stateDir }: Where): string {
  return [
    ...(config === undefined ? [] : [` --config ${quoted(config)}`]),
    ...(stateDir === undefined ? [] : [` --state-dir ${quoted(stateDir)}`]),
  ].join('');
}

/** A command that was suggested, for the project that the flags name: "modality-guard report --state-dir runs". */
export const suggested = (command: string, flags: Where): string =>
  `modality-guard ${command}${sameProject(flags)}`;
