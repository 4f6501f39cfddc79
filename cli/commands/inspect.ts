import type { Command } from 'commander';
import { Option } from 'commander';
import type { Inspection } from '../../models/index.ts';
import { type CommonFlags, positive, withCommonFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { table } from '../views/table.ts';
import { handle } from './command.ts';

interface InspectFlags extends CommonFlags {
  batch: number;
  length: number;
}

export function addInspect(models: Command): void {
  const command = withCommonFlags(
    models
      .command('inspect')
      .description('what a model folder holds: files, operations, where gradients pass, LoRA targets, memory')
      .argument('<folder>', 'a model folder in the Hugging Face ONNX layout')
      .addOption(new Option('--batch <rows>', 'of the memory estimate').argParser(positive).default(1))
      .addOption(new Option('--length <tokens>', 'of the memory estimate').argParser(positive).default(128)),
  );
  handle<InspectFlags>(command, inspect);
}

async function inspect(flags: InspectFlags, output: Output, [folder]: string[]): Promise<undefined> {
  const { inspectFolder } = await import('../../models/index.ts');
  const { batch, length } = flags;
  const result = await inspectFolder(folder as string, { batch, length });
  output.result(result, () =>
    [
      heading(result),
      filesTable(result),
      operationsTable(result),
      gradientLines(result),
      loraTable(result),
      memoryTable(result),
    ].join('\n\n'),
  );
}

function heading({ model, architecture, family, text, parameters, decoder }: Inspection): string {
  const { layers, hidden, heads, keyValueHeads, vocabulary, tied } = text;
  const known = (value: number | null) => value ?? '?';
  return [
    `${model}: ${architecture ?? 'unknown architecture'} (${family ?? 'no model_type'})`,
    `${known(layers)} layers of width ${known(hidden)}, ${known(heads)} heads (${known(keyValueHeads)} of keys), ` +
      `vocabulary ${known(vocabulary)}, embeddings ${tied ? 'tied to' : 'apart from'} the head`,
    `${parameters.toLocaleString('en')} parameters; decoder: ${decoder}`,
  ].join('\n');
}

function filesTable({ files }: Inspection): string {
  const rows = files.flatMap(({ file, precision, opsets, bytes, external, parameters, inputs }) => [
    [
      file,
      precision,
      String(opsets['ai.onnx'] ?? ''),
      size(bytes),
      parameters.toLocaleString('en'),
      inputNames(inputs),
    ],
    ...external.map((data) => [
      `  ${data.file}`,
      '',
      '',
      data.bytes === null ? 'missing' : size(data.bytes),
      '',
      '',
    ]),
  ]);
  return table(['file', 'precision', 'opset', 'size', 'parameters', 'inputs'], rows, [2, 3, 4]);
}

function inputNames(inputs: readonly string[]): string {
  const names = inputs.map((input) => input.split(' ')[0] as string).filter((name) => !/^past/.test(name));
  return names.length < inputs.length ? `${names.join(', ')}, cache` : names.join(', ');
}

function operationsTable({ files }: Inspection): string {
  const rows = files.flatMap(({ file, operations }) =>
    operations.map(({ op, domain, count, gradient }, i) => [
      i === 0 ? file : '',
      op,
      domain,
      String(count),
      gradient,
    ]),
  );
  return table(['file', 'operation', 'domain', 'nodes', 'gradient'], rows, [3]);
}

function gradientLines({ files }: Inspection): string {
  const lines = files.flatMap(({ file, gradient: { from, to, possible, refused } }) => {
    if (from.length === 0) return [`${file}: takes no floats, its rows are the next graph's input`];
    const way = `${file}: gradients from ${to.join(', ')} to ${from.join(', ')}`;
    const reasons = refused.map(
      ({ node, op, domain, reason }) => `  node '${node}' (${op}, ${domain}): ${reason}`,
    );
    return [`${way}: ${possible ? 'yes' : 'no'}`, ...reasons.slice(0, 10), ...more(reasons.length - 10)];
  });
  return lines.join('\n');
}

function more(count: number): string[] {
  return count > 0 ? [`  and ${count} more (--json lists all)`] : [];
}

function loraTable({ lora }: Inspection): string {
  if (lora.length === 0) return 'LoRA: no linear layer of the decoder was recognised';
  const rows = lora.map(({ name, layers, inFeatures, outFeatures, usual }) => [
    name,
    String(layers),
    `${inFeatures} to ${outFeatures}`,
    usual ? 'by default' : '',
  ]);
  return table(['LoRA target', 'layers', 'size', ''], rows, [1]);
}

function memoryTable({ memory }: Inspection): string {
  const { batch, length, weights, diagnosis, attack, lora, reasons } = memory;
  const cell = (bytes: number | null) => (bytes === null ? 'not possible' : size(bytes));
  const rows = [
    ['weights alone', size(weights)],
    ['diagnosis', cell(diagnosis)],
    ['attack on the embeddings', cell(attack)],
    ['LoRA training (rank 8)', cell(lora)],
  ];
  const title = `memory, batch ${batch} of ${length} tokens`;
  return [table([title, 'about'], rows, [1]), ...reasons.map((reason) => `  ${reason}`)].join('\n');
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
