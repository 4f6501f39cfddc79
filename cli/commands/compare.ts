import { type Command, Option } from 'commander';
import { compareDiagnoses, evidenceOfLog, judgeGates } from '../../diagnosis/index.ts';
import { readSettings } from '../../ingest/index.ts';
import type { Comparison } from '../../schemas/comparison.ts';
import { GateFile, type GateResult } from '../../schemas/gate.ts';
import { ExitCode } from '../exit-codes.ts';
import { type CommonFlags, withCommonFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { readDiagnosed } from '../read-diagnosis.ts';
import { comparisonText } from '../views/comparison.ts';
import { gateLines } from '../views/diagnosis.ts';
import { handle } from './command.ts';

const limits = ['worse', 'undecided', 'never'] as const;

interface CompareFlags extends CommonFlags {
  stateDir?: string;
  gate?: string;
  failOn: (typeof limits)[number];
}

export function addCompare(program: Command): void {
  const command = withCommonFlags(
    program
      .command('compare')
      .description(
        'what became of each condition between two diagnoses that asked the same (no server needed)',
      )
      .argument('<earlier>', 'a folder of diagnose --out, a report.json, or a workflow id')
      .argument('<later>', 'the same of the later one')
      .addOption(
        new Option(
          '--fail-on <finding>',
          'end with 3 where a condition is worse, or is not shown to be no worse',
        )
          .choices(limits)
          .default('never'),
      )
      .option(
        '--gate <file>',
        'rules (YAML) that the later one must keep to; ends with 3 where one fails (default: none)',
      )
      .option('--state-dir <folder>', 'where workflows lie (default: .modality-guard)'),
  );
  handle<CompareFlags>(command, compare);
}

/** Whether a comparison ends a command with 3. */
function isRefused({ verdict }: Comparison, failOn: CompareFlags['failOn']): boolean {
  if (failOn === 'never') return false;
  return verdict === 'worse' || (failOn === 'undecided' && verdict === 'undecided');
}

async function compare(flags: CompareFlags, output: Output, words: string[]): Promise<ExitCode> {
  const rules = flags.gate === undefined ? [] : (await readSettings(flags.gate, GateFile)).gates;
  const [earlier, later] = await Promise.all(words.map((word) => readDiagnosed(word, flags.stateDir)));
  const comparison = compareDiagnoses(earlier!, later!);
  const judged: { verdict: string; gates: GateResult[] } | null =
    rules.length === 0 ? null : judgeGates(evidenceOfLog(later!, later!, earlier!), rules);
  const names = { earlier: words[0]!, later: words[1]! };
  output.result({ status: 'completed', ...names, ...comparison, ...(judged ? { judged } : {}) }, () =>
    [
      comparisonText(comparison, names),
      ...(judged ? ['', ...gateLines(judged.gates), `Verdict: ${judged.verdict}`] : []),
    ].join('\n'),
  );
  const refused = isRefused(comparison, flags.failOn) || judged?.verdict === 'fail';
  return refused ? ExitCode.GateSaidNo : ExitCode.Done;
}
