import type { Command } from 'commander';
import { Option } from 'commander';
import type { Verification } from '../../models/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { amount, type CommonFlags, withCommonFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { table } from '../views/table.ts';
import { handle } from './command.ts';

interface VerifyFlags extends CommonFlags {
  decoder?: string;
  tolerance: number;
}

export function addVerify(models: Command): void {
  const command = withCommonFlags(
    models
      .command('verify')
      .description('compares an export with what PyTorch computed: outputs, loss and every stored gradient')
      .argument('<folder>', 'a model folder with reference.bin and reference.index.json')
      .option('--decoder <file>', 'another file of the decoder (default: the most exact one)')
      .addOption(
        new Option('--tolerance <number>', 'largest difference over the largest magnitude of a tensor')
          .argParser(amount)
          .default(1e-3),
      ),
  );
  handle<VerifyFlags>(command, verify);
}

async function verify(flags: VerifyFlags, output: Output, [folder]: string[]): Promise<ExitCode> {
  const { verifyFolder } = await import('../../models/index.ts');
  const { decoder, tolerance } = flags;
  const result = await verifyFolder(folder as string, {
    ...(decoder === undefined ? {} : { decoder }),
    tolerance,
    log: output.log,
  });
  output.result(result, () => checksTable(result, tolerance, output));
  return result.ok ? ExitCode.Done : ExitCode.GateSaidNo;
}

function checksTable({ model, checks, ok }: Verification, tolerance: number, output: Output): string {
  const rows = checks.map((check) => [
    check.name,
    check.maxAbs.toExponential(1),
    check.maxRel.toExponential(1),
    check.ok ? 'ok' : 'FAILS',
  ]);
  const failed = checks.filter((check) => !check.ok).length;
  const verdict = ok
    ? output.style(`${model}: all ${checks.length} within ${tolerance}`, 'green')
    : output.style(`${model}: ${failed} of ${checks.length} off by more than ${tolerance}`, 'red');
  return [table(['array', 'largest difference', 'relative', ''], rows, [1, 2]), '', verdict].join('\n');
}
