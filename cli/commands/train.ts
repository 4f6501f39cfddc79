import type { Command } from 'commander';
import { shortDigest } from '../../schemas/workflow.ts';
import type { MixFlags, ScenarioFlags, WorkFlags } from '../flags.ts';
import { withDeviceFlag, withMixFlag, withScenarioFlags, withWorkFlags } from '../flags.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { progressOn } from '../progress.ts';
import { runOptions } from '../run-options.ts';
import { lookedFor, withSession } from '../session.ts';
import { handle } from './command.ts';

type TrainFlags = WorkFlags & ScenarioFlags & MixFlags;

export function addTrain(program: Command): void {
  const command = withScenarioFlags(
    withMixFlag(
      withDeviceFlag(
        withWorkFlags(
          program
            .command('train')
            .description('robust training alone; the result is an artifact, nothing is rolled out'),
        ),
      ),
    ),
  );
  handle<TrainFlags>(command, train);
}

async function train(flags: TrainFlags, output: Output): Promise<undefined> {
  const options = runOptions(flags);
  const checked = await lookedFor('train', flags, options, output);
  await withSession(flags, output, true, async ({ session, api, signal }) => {
    const progress = progressOn(output);
    const result = await api.trainOnce(session, checked, (status) => progress.show(status), { signal });
    progress.clear();
    output.result({ status: 'completed', ...result, store: session.storeDir }, () => {
      const first = result.losses[0];
      const last = result.losses.at(-1);
      return [
        `Trained ${result.losses.length} steps, loss ${first?.total.toFixed(4)} -> ${last?.total.toFixed(4)}`,
        `Model   ${result.trained.digest}`,
        'Export it:',
        `  ${suggested(`models export ${shortDigest(result.trained.digest)} --out my-model`, flags)}`,
      ].join('\n');
    });
  });
}
