import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programOf } from '../../cli/main.ts';
import { checkPlace } from '../../store/index.ts';
import { loadConfig } from '../../worker/config.ts';
import { projectFolder } from './command.ts';

const places: [string, RegExp][] = [
  ['/dev/zero', /it is a device/],
  ['/dev/random', /it is a device/],
  ['/proc/self/environ', /it lies in \/proc, which the system makes up/],
  ['/proc/self/new/out', /it lies in \/proc/],
  ['/sys/new', /it lies in \/sys/],
  ['/dev/new', /it lies in \/dev/],
];
let socket: Server;
let folder: string;
beforeAll(async () => {
  folder = await projectFolder();
  const [pipe, path] = [join(folder, 'pipe'), join(folder, 'socket')];
  execFileSync('mkfifo', [pipe]);
  socket = createServer();
  await new Promise<void>((resolve) => socket.listen(path, resolve));
  places.push([pipe, /it is a pipe/], [path, /it is a socket/]);
});
afterAll(() => new Promise((resolve) => socket.close(resolve)));

/** Commands that do something, with the words that call them. */
function commandsOf(command: Command, words: string[] = []): { command: Command; words: string[] }[] {
  if (command.commands.length === 0) return [{ command, words }];
  return command.commands.flatMap((one) => commandsOf(one, [...words, one.name()]));
}

const namesPlace = (text: string) => /<[^>]*(file|folder|path|name)[^>]*>|\[[^\]]*(file|folder)/.test(text);

/** A call of a command with one place in it, and all that it cannot do without. */
function callsOf({ command, words }: ReturnType<typeof commandsOf>[number], place: string): string[][] {
  const needed = (except?: Option) =>
    command.options.flatMap((option) =>
      option.mandatory && option !== except ? [option.long!, ...(option.required ? ['nothing'] : [])] : [],
    );
  const own = command.registeredArguments.map((argument) =>
    argument.required ? (argument.argChoices?.[0] ?? 'nothing') : null,
  );
  const given = own.flatMap((word) => word ?? []);
  const calls = command.options
    .filter(({ flags }) => namesPlace(flags))
    .map((option) => [...words, ...given, ...needed(option), option.long!, place]);
  for (const [at, argument] of command.registeredArguments.entries()) {
    if (argument.argChoices) continue;
    calls.push([...words, ...given.map((word, i) => (i === at ? place : word)), ...needed()]);
  }
  return calls;
}

describe('a path that is no file or folder', () => {
  it('is refused in a sentence by every flag and argument of every command, before anything opens it', async () => {
    let tried = 0;
    const commands = commandsOf(programOf());
    for (const [place, words] of places) {
      for (const one of commands) {
        for (const call of callsOf(one, place)) {
          if (!call.includes(place)) continue;
          const error = await programOf()
            .parseAsync(call, { from: 'user' })
            .then(
              () => null,
              (cause: Error) => cause,
            );
          // Names of which there is a list are no paths.
          if ((error as { code?: string } | null)?.code === 'commander.invalidArgument') continue;
          const about = call.join(' ');
          expect(error, about).toMatchObject({ code: 'BAD_INPUT' });
          expect(error!.message, about).toMatch(words);
          expect(error!.message, about).toContain(place);
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(500);
  });

  it('is refused where a configuration names it', async () => {
    for (const key of ['model', 'data']) {
      const file = join(folder, `${key}.json`);
      const shipped = await loadConfig();
      const { file: _, ...config } = { ...shipped, [key]: { folder: 'pipe' } };
      await writeFile(file, JSON.stringify(config));
      await expect(loadConfig({ configFile: file })).rejects.toThrow(
        /pipe: it is a pipe, and a file or folder/,
      );
    }
  });

  it('is left alone where it is a file, a folder, not there, or a disk in memory', async () => {
    for (const path of [
      folder,
      join(folder, 'model.json'),
      join(folder, 'new/deeper'),
      '/dev/shm',
      '/dev/shm/new',
    ])
      await checkPlace(path);
  });

  it('ends a real command whose input is a pipe that nobody closes', { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, 'diagnose', '--config', '/dev/stdin'], {
      cwd: folder,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(1);
    expect(said).toMatch(
      /modality-guard: \/dev\/stdin: it is a (pipe|socket), and a file or folder on a disk/,
    );
  });
});
