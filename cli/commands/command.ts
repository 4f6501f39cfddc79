import type { Command } from 'commander';
import { checkPlace } from '../../store/index.ts';
import { ExitCode } from '../exit-codes.ts';
import type { CommonFlags } from '../flags.ts';
import { Output } from '../output.ts';

/** What a command does; the exit code is 0 unless it returns another. */
export type Handler<Flags extends CommonFlags> = (
  flags: Flags,
  output: Output,
  words: string[],
) => Promise<ExitCode | undefined>;

/** Connects a command line to its handler. `words` are the arguments that are no flags. */
export function handle<Flags extends CommonFlags>(command: Command, handler: Handler<Flags>): void {
  command.action(async () => {
    const flags = command.opts<Flags>();
    await checkPlaces([flags, command.args]);
    process.exitCode = (await handler(flags, new Output(flags), command.args)) ?? ExitCode.Done;
  });
}

const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Whatever a person names is looked at before a command opens it; text that names no path names nothing that is there. */
async function checkPlaces(value: unknown): Promise<void> {
  if (typeof value === 'string' && value !== '' && !isAddress.test(value)) await checkPlace(value);
  if (typeof value !== 'object' || value === null) return;
  for (const one of Object.values(value)) await checkPlaces(one);
}
