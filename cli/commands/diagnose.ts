import { resolve } from 'node:path';
import type { Command } from 'commander';
import { compareDiagnoses, type Diagnosed } from '../../diagnosis/index.ts';
import { readSettings } from '../../ingest/index.ts';
import { costWords } from '../../report/index.ts';
import type { EndpointUse } from '../../schemas/endpoint.ts';
import { GateFile } from '../../schemas/gate.ts';
import { whyUnanswered } from '../../schemas/unanswered.ts';
import { checkOutFolder } from '../../store/index.ts';
import type { DiagnosisFiles, ReportedDiagnosis, RunOptions } from '../../worker/index.ts';
import { ExitCode } from '../exit-codes.ts';
import type { DiagnosisFlags, WorkFlags } from '../flags.ts';
import { withDeviceFlag, withDiagnosisFlags, withWorkFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { progressOn } from '../progress.ts';
import { readDiagnosed } from '../read-diagnosis.ts';
import { runOptions } from '../run-options.ts';
import { loadApi, lookedFor, projectOptions, withSession } from '../session.ts';
import { comparisonText } from '../views/comparison.ts';
import { diagnosisText } from '../views/diagnosis.ts';
import { planText } from '../views/plan.ts';
import { handle } from './command.ts';

interface DiagnoseFlags extends WorkFlags, DiagnosisFlags {
  out?: string;
  reuseAnswers?: boolean;
  dryRun?: boolean;
  against?: string;
}

export function addDiagnose(program: Command): void {
  const command = withDiagnosisFlags(
    withDeviceFlag(
      withWorkFlags(
        program
          .command('diagnose')
          .description(
            'which modality does the model listen to: accuracy and changed answers per perturbation',
          ),
      ),
    ),
  )
    .option(
      '--reuse-answers',
      'of a model behind a server: take answers to earlier runs; the report says how many, from when',
    )
    .option(
      '--out <folder>',
      'write the report (HTML, JSON, Markdown, JUnit, model card) and its tables here, too (default: in the folder of the run)',
    )
    .option(
      '--against <diagnosis>',
      'compare with an earlier one (a folder of --out, a report.json, a workflow id; default: none)',
    )
    .option('--dry-run', 'say what it would ask and take, and ask nothing');
  handle<DiagnoseFlags>(command, diagnose);
}

async function diagnose(flags: DiagnoseFlags, output: Output): Promise<ExitCode> {
  // A mistake in the rules is said before the work begins.
  const rules = flags.gate === undefined ? undefined : (await readSettings(flags.gate, GateFile)).gates;
  const earlier =
    flags.against === undefined ? undefined : await readDiagnosed(flags.against, flags.stateDir);
  const options = {
    ...runOptions(flags),
    ...(earlier ? { against: earlier } : {}),
    ...(flags.reuseAnswers ? { reuseAnswers: true } : {}),
    ...(rules ? { rules } : {}),
  };
  const { dtype, modelFolder } = options;
  const { filesToKeep, isEndpoint } = await import('../../models/index.ts');
  if (flags.out !== undefined) await checkOutFolder(flags.out);
  // A precision or a link that is not there is said before the work begins, and refused where the decoder lacks it.
  if (modelFolder && !isEndpoint(modelFolder))
    for (const note of (await filesToKeep(modelFolder, dtype))?.notes ?? []) output.log(note);
  if (flags.dryRun) return dryRun(flags, options, output);
  const checked = await lookedFor('diagnose', flags, options, output);
  return withSession(flags, output, true, async ({ session, api, signal }) => {
    const progress = progressOn(output);
    const result = await api.diagnoseOnce(session, checked, (status) => progress.show(status), { signal });
    progress.clear();
    const reported = await api.reportDiagnosis(session, result, checked, rules, earlier);
    const cost = costWords(reported.report);
    if (result.endpoint) output.log(endpointLine(result.endpoint, cost));
    const files = await api.keepDiagnosis(session, reported, flags.out && resolve(flags.out));
    show(reported, { earlier, files, store: session.storeDir }, output);
    const { gates, verdict } = reported.report;
    const unanswered = gates.some((gate) => gate.figure === 'unanswered' && gate.verdict === 'fail');
    return (rules && verdict === 'fail') || unanswered ? ExitCode.GateSaidNo : ExitCode.Done;
  });
}

function show(
  { log, report }: ReportedDiagnosis,
  { earlier, files, store }: { earlier: Diagnosed | undefined; files: DiagnosisFiles; store: string },
  output: Output,
): void {
  const { seed, workflowId } = report;
  const comparison = earlier && compareDiagnoses(earlier, { name: workflowId, seed, log });
  // Pictures have no place on a terminal or in a script's variable; the report's files have them.
  const { examples: _, showcase: __, ...summary } = report;
  output.result(
    { status: 'completed', ...summary, store, files, ...(comparison ? { comparison } : {}) },
    () =>
      [
        diagnosisText(report),
        ...(comparison ? ['', comparisonText(comparison, { earlier: earlier.name, later: workflowId })] : []),
        `Report ${shownPath(files.html)}`,
      ].join('\n'),
  );
}

async function dryRun(flags: DiagnoseFlags, options: RunOptions, output: Output): Promise<ExitCode> {
  const api = await loadApi();
  const plan = await api.planRequests(projectOptions(flags), options);
  output.result({ status: 'planned', ...plan }, () => planText(plan));
  return ExitCode.Done;
}

function endpointLine(use: EndpointUse, cost: string | null): string {
  const { samples, readFrom, maxTokens, promptTokens, completionTokens, unanswered } = use;
  return (
    `Endpoint: ${samples} answers, ${readFrom.logprobs} from probabilities, ${readFrom.text} from text, ${readFrom.nothing} not read` +
    `${unanswered ? ` (${whyUnanswered(unanswered, use)})` : ''}; ${maxTokens ? `maxTokens ${maxTokens.tokens}${maxTokens.set ? '' : ', chosen by what the first requests showed'}; ` : ''}${promptTokens + completionTokens} tokens, cost ${cost}. ` +
    'Attacks were left out: gradients are out of reach through an endpoint.'
  );
}
