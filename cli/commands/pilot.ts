import type { Command } from 'commander';
import { evenWeights, forecastAccuracy, pilotCurve, weightedAccuracy } from '../../diagnosis/index.ts';
import { TaskKind } from '../../schemas/benchmark.ts';
import type { Pilot } from '../../schemas/estimate.ts';
import {
  type MixFlags,
  positive,
  type ScenarioFlags,
  type WorkFlags,
  withMixFlag,
  withScenarioFlags,
  withWorkFlags,
} from '../flags.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { progressOn } from '../progress.ts';
import { runOptions } from '../run-options.ts';
import { lookedFor, withSession } from '../session.ts';
import { percent, table } from '../views/table.ts';
import { handle } from './command.ts';

interface PilotFlags extends WorkFlags, ScenarioFlags, MixFlags {
  pilotSteps?: number;
  pilotSamples?: number;
}

export function addPilot(program: Command): void {
  const command = withWorkFlags(
    program
      .command('pilot')
      .description('short trainings on growing shares of the data: what does the real one promise?')
      .option('--pilot-steps <number>', 'steps of the longest one (default: pilot.steps)', positive)
      .option(
        '--pilot-samples <number>',
        'samples per condition of each diagnosis (default: pilot.samples)',
        positive,
      ),
  );
  handle<PilotFlags>(withMixFlag(withScenarioFlags(command)), runPilot);
}

async function runPilot(flags: PilotFlags, output: Output): Promise<undefined> {
  const pilot = {
    ...(flags.pilotSteps === undefined ? {} : { steps: flags.pilotSteps }),
    ...(flags.pilotSamples === undefined ? {} : { samples: flags.pilotSamples }),
  };
  const options = { ...runOptions(flags), overrides: { pilot } };
  const checked = await lookedFor('pilot', flags, options, output);
  await withSession(flags, output, true, async ({ session, api, signal }) => {
    const progress = progressOn(output);
    const result = await api.pilotOnce(session, checked, (status) => progress.show(status), { signal });
    progress.clear();
    output.result({ status: 'completed', ...result, store: session.storeDir }, () =>
      [
        pilotTable(result.pilot),
        '',
        result.finding.reason,
        'What it promises in money:',
        `  ${suggested(`estimate --diagnosis <file> --prices <file> --pilot ${result.workflowId}`, { stateDir: flags.stateDir })}`,
      ].join('\n'),
    );
  });
}

function pilotTable(pilot: Pilot): string {
  const longest = pilot.points.at(-1)!.steps;
  const rows = [TaskKind.ImageHeavy, TaskKind.TextHeavy].flatMap((kind) => {
    const weights = evenWeights(pilot.points[0]!.figures, kind, pilot.rightHints);
    const measured = pilot.points.flatMap(({ figures, steps }) => {
      const found = weightedAccuracy(figures, weights);
      return found ? [[kind, String(steps), percent(found.accuracy), '']] : [];
    });
    const curve = pilotCurve(pilot, weights);
    if (!curve) return measured;
    const { ci95, value } = forecastAccuracy(curve, 2 * longest);
    const range = `${percent(ci95[0])} to ${percent(ci95[1])}`;
    return [...measured, [kind, String(2 * longest), percent(value), `predicted, ${range}`]];
  });
  return table(['task', 'steps', 'accuracy, perturbed', ''], rows, [1, 2]);
}
