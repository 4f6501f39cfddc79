import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ModelFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { shownPath, suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { loadApi, withSession } from '../session.ts';
import { localTime, percent, shortModel, table } from '../views/table.ts';
import { handle } from './command.ts';
import { addInspect } from './inspect.ts';
import { addRegistryChanges } from './registry.ts';
import { addVerify } from './verify.ts';

interface ExportFlags extends ModelFlags {
  out: string;
}

export function addModels(program: Command): void {
  const models = program
    .command('models')
    .description("the registry: a model's champion, challenger and predecessor; checks of model folders");
  const list = withProjectFlags(
    models
      .command('list')
      .description('champion, challenger and predecessor, and what led to them')
      .option('--model <name>', 'the model (default: the configured one)'),
  );
  handle<ModelFlags>(list, listModels);
  const exported = withProjectFlags(
    models
      .command('export')
      .description('writes a model folder in the Hugging Face ONNX layout that runs without this program')
      .argument('<which>', 'champion, challenger, previous, or a digest (8 hex digits are enough)')
      .requiredOption('--out <folder>', 'a folder that is empty or not there yet')
      .option('--model <name>', 'the model (default: the configured one)'),
  );
  handle<ExportFlags>(exported, exportModel);
  addRegistryChanges(models);
  addInspect(models);
  addVerify(models);
}

async function listModels(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const name = flags.model ?? session.config.model.name;
    const state = await api.registryState(session, name);
    output.result(state, () => {
      if (!state)
        return `Nothing is registered as ${name} yet. A run registers its first champion:\n  ${suggested('run', flags)}`;
      const { champion, challenger, previous } = state;
      const rows = [
        ...(champion
          ? [['champion', shortModel(champion.model.digest), localTime(champion.since), champion.from]]
          : []),
        ...(challenger
          ? [
              [
                'challenger',
                shortModel(challenger.model.digest),
                localTime(challenger.since),
                `${challenger.from}, ${challenger.stage}, ${percent(challenger.share)}`,
              ],
            ]
          : []),
        ...(previous
          ? [['previous', shortModel(previous.model.digest), localTime(previous.since), previous.from]]
          : []),
      ];
      const events = state.events.map(({ at, kind, digest, reason }) => [
        localTime(at),
        kind,
        shortModel(digest),
        reason,
      ]);
      return [
        table([name, 'model', 'since', 'from'], rows),
        '',
        table(['at', 'event', 'model', 'reason'], events),
      ].join('\n');
    });
  });
}

async function exportModel(flags: ExportFlags, output: Output, [which]: string[]): Promise<undefined> {
  await (await loadApi()).checkVacant(resolve(flags.out));
  await withSession(flags, output, false, async ({ session, api }) => {
    const result = await api.exportModel(session, {
      which: which as string,
      ...(flags.model ? { model: flags.model } : {}),
      out: resolve(flags.out),
    });
    output.result(
      result,
      () => `${result.files} files of ${shortModel(result.digest)} in ${shownPath(result.folder)}`,
    );
  });
}
