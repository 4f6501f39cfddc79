import type { Command } from 'commander';
import { fitted } from './views/text.ts';

/** By the words of a command what it is used for, shown under its --help. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  run: ['run --policy demo', 'run --model ./our-model --benchmark ./our-tests --pilot'],
  init: ['init', 'init quality --endpoint http://127.0.0.1:8000/v1 --model-name llava'],
  ingest: [
    'ingest tests.csv --images photos --out our-tests',
    'ingest tests.jsonl --task task.yaml --split train=0.7,test=0.2,heldout=0.1 --out our-tests',
  ],
  diagnose: [
    'diagnose --samples 200 --out first',
    'diagnose --model http://127.0.0.1:8000/v1 --model-name llava --dry-run',
    'diagnose --model ./our-model --benchmark ./our-tests --gate gate.yaml',
  ],
  compare: [
    'compare last-release candidate --fail-on worse',
    'compare last-release candidate --gate gate.yaml --json',
  ],
  'export-data': ['export-data --format sharegpt --samples 500 --out training-data'],
  train: ['train --model ./our-model --lora-rank 8 --steps 200'],
  status: ['status', 'status robustify/mini/0123456789abcdef --watch'],
  approve: ['approve --stage full --comment "compared the errors of both by hand"'],
  reject: ['reject --stage full --comment "the forms of March are missing"'],
  cancel: ['cancel robustify/mini/0123456789abcdef'],
  report: ['report', 'report robustify/mini/0123456789abcdef --json'],
  'models list': ['models list --json'],
  'models export': ['models export champion --out my-model'],
  'models promote': ['models promote 4f2a90c1 --comment "hot fix"'],
  'models rollback': ['models rollback --comment "worse on night shifts"'],
  'models alias': ['models alias summer champion --comment "before the new line"'],
  'models history': ['models history --json'],
  'models inspect': ['models inspect ./our-model --batch 4 --length 512'],
  'models verify': ['models verify ./our-model --tolerance 1e-4'],
  pilot: ['pilot --pilot-steps 60 --pilot-samples 400'],
  estimate: ['estimate --diagnosis first --prices prices.yaml --out estimate.html'],
  'scenarios list': ['scenarios list'],
  'scenarios check': ['scenarios check ./our-pack.yaml'],
  'scenarios preview': ['scenarios preview --pack marketplace-titles --n 2 --out preview'],
  'schedule create': ['schedule create --nightly --at 02:30 --timezone Europe/Vienna --gate gate.yaml'],
  'schedule list': ['schedule list'],
  'schedule describe': ['schedule describe nightly/mini'],
  'schedule update': ['schedule update nightly/mini --at 01:30'],
  'schedule backfill': ['schedule backfill nightly/mini --from 2026-11-27 --to 2026-11-30'],
  'schedule pause': ['schedule pause nightly/mini'],
  'schedule resume': ['schedule resume nightly/mini'],
  'schedule trigger': ['schedule trigger nightly/mini'],
  'schedule delete': ['schedule delete nightly/mini'],
  'drift watch': ['drift watch --logs ./request-logs --change-rate 0.15'],
  'drift status': ['drift status --json'],
  'drift set': ['drift set --change-rate 0.15 --poll 60'],
  'drift stop': ['drift stop'],
  'audit export': ['audit export robustify/mini/0123456789abcdef --out evidence'],
  'audit replay': ['audit replay evidence'],
  'audit verify': ['audit verify evidence --store .modality-guard/store'],
  worker: ['worker --device auto'],
  'device list': ['device list'],
  'device install': [
    'device install cuda --dry-run',
    'device install cuda --index https://mirror.example/pypi/simple',
  ],
  'device remove': ['device remove cuda'],
  doctor: ['doctor', 'doctor --json'],
  'config check': ['config check --config production.json'],
};

/** The words that lead to a command: "models export". */
export function wordsOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

/** Commands that do something, in their order. */
export const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

/** Shows the examples of each command under its help. */
export function addExamples(program: Command): void {
  for (const command of leavesOf(program)) {
    const own = examples[wordsOf(command)] ?? [];
    const lines = own.map((line) => fitted(`  modality-guard ${line}`));
    command.addHelpText('after', ['', own.length > 1 ? 'Examples:' : 'Example:', ...lines].join('\n'));
  }
}
