import type { Command } from 'commander';
import type { RegistryState } from '../../schemas/registry.ts';
import { type ModelFlags, withProjectFlags } from '../flags.ts';
import { personOf } from '../gate-prompt.ts';
import type { Output } from '../output.ts';
import { type Work, withSession } from '../session.ts';
import { shortModel, table } from '../views/table.ts';
import { handle } from './command.ts';

interface ChangeFlags extends ModelFlags {
  by?: string;
  comment: string;
}

const which = 'champion, challenger, previous, an alias, or a digest (8 hex digits are enough)';

/** Commands that a person changes the registry by, or reads its trail. */
export function addRegistryChanges(models: Command): void {
  const change = (name: string, description: string) =>
    withProjectFlags(
      models
        .command(name)
        .description(description)
        .requiredOption('--comment <text>', 'why; kept in the trail')
        .option('--by <name>', 'who changes it (default: the login name)')
        .option('--model <name>', 'the model (default: the configured one)'),
    );
  const promote = change('promote', 'makes a model the champion, without a rollout').argument(
    '<which>',
    which,
  );
  handle<ChangeFlags>(promote, (flags, output, [model]) =>
    changed(flags, output, (api, session, by) =>
      api.promoteModel(session, { ...by, which: model as string }),
    ),
  );
  const back = change('rollback', "gives the champion's predecessor its place back");
  handle<ChangeFlags>(back, (flags, output) =>
    changed(flags, output, (api, session, by) => api.restorePrevious(session, by)),
  );
  const alias = change('alias', 'gives a model a name of its own')
    .argument('<alias>', 'the name: a letter, then letters, digits, ".", "_" or "-"')
    .argument('<which>', which);
  handle<ChangeFlags>(alias, (flags, output, [name, model]) =>
    changed(flags, output, (api, session, by) =>
      api.aliasModel(session, name as string, { ...by, which: model as string }),
    ),
  );
  const history = withProjectFlags(
    models
      .command('history')
      .description('every change of the registry, the oldest first')
      .option('--model <name>', 'the model (default: the configured one)'),
  );
  handle<ModelFlags>(history, showHistory);
}

async function changed(
  flags: ChangeFlags,
  output: Output,
  apply: (
    api: Work['api'],
    session: Work['session'],
    by: { by: string; comment: string; model?: string },
  ) => Promise<RegistryState>,
): Promise<undefined> {
  const by = personOf(flags.by);
  await withSession(flags, output, false, async ({ session, api }) => {
    const named = flags.model ? { model: flags.model } : {};
    const state = await apply(api, session, { by, comment: flags.comment, ...named });
    output.result(state, () => {
      const { aliases, champion, name } = state;
      const rows = [
        ['champion', champion ? shortModel(champion.model.digest) : 'none'],
        ...Object.entries(aliases).map(([alias, digest]) => [alias, shortModel(digest)]),
      ];
      return table([name, 'model'], rows);
    });
  });
}

async function showHistory(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const name = flags.model ?? session.config.model.name;
    const { complete, events } = await api.registryHistory(session, name);
    if (!complete) {
      output.log('Older changes are in the histories alone: `modality-guard audit export` keeps them.');
    }
    output.result({ complete, events }, () =>
      table(
        ['at', 'event', 'model', 'reason', 'by'],
        events.map(({ at, digest, from, kind, reason }) => [
          at,
          kind,
          shortModel(digest),
          reason,
          from ?? '',
        ]),
      ),
    );
  });
}
