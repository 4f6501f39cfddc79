import { readFile } from 'node:fs/promises';
import type { Check } from './check.ts';

/** Accounts below this number are those of services on the usual systems. */
const firstPerson = process.platform === 'darwin' ? 500 : 1000;
const nobody = 65_534;

/** Whether others have an account here: a development server takes orders from everybody who reaches its port on this machine. */
export async function checkUsers(file = '/etc/passwd', own = process.getuid?.()): Promise<Check[]> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null || own === undefined) return [];
  const others = text.split('\n').flatMap((line) => {
    const [name = '', , id, , , , shell = ''] = line.split(':');
    const person = Number(id) >= firstPerson && Number(id) < nobody && Number(id) !== own;
    return person && !/\/(nologin|false)$/.test(shell.trim()) ? [name] : [];
  });
  const advice =
    'each can promote a model through a development server of ours; use a Temporal service with access control (TEMPORAL_ADDRESS)';
  const shown = others.slice(0, 3).join(', ') + (others.length > 3 ? ', …' : '');
  const detail = others.length === 0 ? `none in ${file}` : `${others.length} (${shown}): ${advice}`;
  return [{ group: 'machine', name: 'other accounts', ok: others.length === 0, needed: false, detail }];
}
