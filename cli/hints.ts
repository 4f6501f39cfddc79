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

/** How this program was called: by npx and npm's scripts there is no such program on the path. */
const called = () => (process.env.npm_command === undefined ? 'modality-guard' : 'npx modality-guard');

/** A command that was suggested, for the project that the flags name: "modality-guard report --state-dir runs". */
export const suggested = (command: string, flags: Where): string =>
  `${called()} ${command}${sameProject(flags)}`;
