import type { Command } from 'commander';
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
    process.exitCode = (await handler(flags, new Output(flags), command.args)) ?? ExitCode.Done;
  });
}
