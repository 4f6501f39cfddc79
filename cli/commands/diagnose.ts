import type { Command } from 'commander';
import type { WorkFlags } from '../flags.ts';
import { withWorkFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { progressOn } from '../progress.ts';
import { runOptions } from '../run-options.ts';
import { withSession } from '../session.ts';
import { diagnosisTable } from '../views/report.ts';
import { percent, table } from '../views/table.ts';
import { handle } from './command.ts';

export function addDiagnose(program: Command): void {
  const command = withWorkFlags(
    program
      .command('diagnose')
      .description('which modality does the model listen to: accuracy and changed answers per perturbation'),
  );
  handle<WorkFlags>(command, diagnose);
}

async function diagnose(flags: WorkFlags, output: Output): Promise<undefined> {
  const options = runOptions(flags);
  const { dtype, modelFolder } = options;
  const { filesToKeep } = await import('../../models/index.ts');
  // A precision that is not there in every file is said before the work begins, and refused where the decoder lacks it.
  if (dtype && modelFolder)
    for (const note of (await filesToKeep(modelFolder, dtype))?.notes ?? []) output.log(note);
  await withSession(flags, output, true, async ({ session, api, signal }) => {
    const progress = progressOn(output);
    const result = await api.diagnoseOnce(session, options, (status) => progress.show(status), { signal });
    progress.clear();
    if (result.endpoint) output.log(endpointLine(result.endpoint));
    output.result({ status: 'completed', ...result, store: session.storeDir }, () =>
      [diagnosisTable(result), '', attackTable(result.attacks), '', result.model.digest].join('\n'),
    );
  });
}

type Use = NonNullable<Awaited<ReturnType<typeof import('../../worker/index.ts').diagnoseOnce>>['endpoint']>;

function endpointLine({ samples, readFrom, promptTokens, completionTokens, cost }: Use): string {
  return (
    `Endpoint: ${samples} answers, ${readFrom.logprobs} from probabilities, ${readFrom.text} from text, ${readFrom.nothing} unusable ` +
    `(an option was drawn); ${promptTokens + completionTokens} tokens, cost ${cost.toFixed(4)}. ` +
    'Attacks were left out: gradients are out of reach through an endpoint.'
  );
}

type Attacks = Awaited<ReturnType<typeof import('../../worker/index.ts').diagnoseOnce>>['attacks'];

function attackTable(attacks: Attacks): string {
  const rows = attacks.map(({ taskKind, attack, eps, accuracy, changeRate, n }) => [
    taskKind,
    attack,
    String(eps),
    percent(accuracy),
    percent(changeRate),
    String(n),
  ]);
  return table(['task', 'attack', 'eps', 'accuracy', 'answers changed', 'n'], rows, [2, 3, 4, 5]);
}
