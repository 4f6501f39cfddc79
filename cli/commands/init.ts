import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { checkEndpoint } from '../../models/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { diagnosedKinds, writeAtomically } from '../../store/index.ts';
import { type CommonFlags, withCommonFlags } from '../flags.ts';
import { quoted, shownPath, suggested } from '../hints.ts';
import { configFile, type InitOptions, initFiles } from '../init-files.ts';
import type { Output } from '../output.ts';
import { commandLine } from '../views/text.ts';
import { handle } from './command.ts';

interface InitFlags extends CommonFlags {
  endpoint?: string;
  modelName?: string;
  model?: string;
  benchmark?: string;
  force?: boolean;
}

export function addInit(program: Command): void {
  const command = withCommonFlags(
    program
      .command('init')
      .description(
        'begins a project: a configuration, and files of tasks, rules and prices, each with comments',
      )
      .argument('[folder]', 'the project', '.')
      .option('--endpoint <url>', 'the model stands behind this OpenAI-compatible base URL (default: none)')
      .option('--model-name <name>', 'its name on that server (default: none)')
      .option('--model <folder>', 'the model is this folder (default: the embedded one)')
      .option('--benchmark <folder>', 'the samples, as ingest wrote them (default: the embedded ones)')
      .option('--force', 'write over files that are there'),
  );
  handle<InitFlags>(command, init);
}

/** A folder as the configuration names it: relative to the project. */
const within = (project: string, folder: string) => {
  const path = relative(project, resolve(folder));
  return path.startsWith('..') ? resolve(folder) : `./${path}`;
};

function optionsOf({ benchmark, endpoint, model, modelName }: InitFlags, project: string): InitOptions {
  if ((endpoint === undefined) !== (modelName === undefined))
    throw new GuardError(
      ErrorCode.BadConfig,
      'a model behind a server needs both --endpoint <url> and --model-name <name>',
    );
  if (endpoint !== undefined && model !== undefined)
    throw new GuardError(ErrorCode.BadConfig, 'name the model once: by --endpoint or by --model');
  for (const [flag, folder] of [
    ['--model', model],
    ['--benchmark', benchmark],
  ] as const)
    if (folder !== undefined && !existsSync(folder))
      throw new GuardError(ErrorCode.BadInput, `${flag}: there is no folder ${resolve(folder)}`);
  return {
    ...(endpoint === undefined ? {} : { endpoint: { baseUrl: endpoint, model: modelName as string } }),
    ...(model === undefined ? {} : { model: within(project, model) }),
    ...(benchmark === undefined ? {} : { benchmark: within(project, benchmark) }),
  };
}

async function init(flags: InitFlags, output: Output, [folder = '.']: string[]): Promise<undefined> {
  const project = resolve(folder);
  const options = optionsOf(flags, project);
  if (flags.benchmark !== undefined) options.kinds = await diagnosedKinds(resolve(flags.benchmark));
  if (options.endpoint) checkEndpoint(options.endpoint, '--endpoint and --model-name');
  const files = await initFiles(options);
  // Beside a configuration in the other form nobody could say which one counts.
  const other = join(project, 'temporal.config.json');
  const there = [...files.map(({ name }) => join(project, name)), other].filter((path) => existsSync(path));
  if (there.includes(other) || (there.length > 0 && !flags.force))
    throw new GuardError(
      ErrorCode.BadInput,
      `${there.join(', ')}: is there already, and nothing was written; ${there.includes(other) ? `move it away, for ${configFile} would be a second configuration` : 'take another folder, or --force'}`,
    );
  for (const { name, text } of files) {
    const path = join(project, name);
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(path, (write) => write(Buffer.from(text)));
  }
  const names = files.map(({ name }) => join(project, name));
  output.result({ status: 'completed', folder: project, files: names }, () =>
    [
      ...names.map((name) => `Wrote ${shownPath(name)}`),
      '',
      'Try next:',
      ...nextCommands(folder).map(([what, command]) => `  ${what}\n${commandLine(`    ${command}`)}`),
    ].join('\n'),
  );
}

function nextCommands(folder: string): [what: string, command: string][] {
  return [
    ...(folder === '.' ? [] : [['go there', `cd ${quoted(folder)}`] as [string, string]]),
    ['look through the files, and check them', suggested('config check', {})],
    ['see what a diagnosis would ask', suggested('diagnose --task task.yaml --gate gate.yaml --dry-run', {})],
    ['diagnose', suggested('diagnose --task task.yaml --gate gate.yaml', {})],
  ];
}
