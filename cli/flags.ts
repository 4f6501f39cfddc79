import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { DeviceChoice } from '../schemas/device.ts';
import { type Level, levels } from '../schemas/levels.ts';
import { Dtype } from '../schemas/model.ts';

/** Flags that every command takes. */
export interface CommonFlags {
  json?: boolean;
  input: boolean;
  color: boolean;
}

/** Flags of the commands that work on a project: its state, its configuration, its server. */
export interface ProjectFlags extends CommonFlags {
  config?: string;
  stateDir?: string;
  ui?: boolean;
  port?: number;
  uiPort?: number;
}

/** Flags of the commands about one model of the registry. */
export interface ModelFlags extends ProjectFlags {
  model?: string;
}

/** Flag of the commands whose process computes. */
export interface DeviceFlags {
  device?: DeviceChoice;
}

/** Flags of what is the misinformation of a business task. */
export interface ScenarioFlags {
  task?: string;
  scenarios?: string[];
}

/** Flag of the commands that train. */
export interface MixFlags {
  mix?: string;
}

export interface DiagnosisFlags extends ScenarioFlags {
  level?: Level;
  gate?: string;
}

/** Flags of the commands that start work. */
export interface WorkFlags extends ProjectFlags {
  model?: string;
  dtype?: Dtype;
  modelName?: string;
  champion?: boolean;
  benchmark?: string;
  seed?: number;
  samples?: number;
  steps?: number;
  loraRank?: number;
  loraAlpha?: number;
}

export function withCommonFlags(command: Command): Command {
  return command
    .option('--json', 'print data as JSON on stdout')
    .option('--no-input', 'never ask a question')
    .option('--no-color', 'no colours (as with NO_COLOR)');
}

export function withProjectFlags(command: Command): Command {
  return withCommonFlags(command)
    .option(
      '--config <file>',
      'configuration (default: temporal.config.json or .yaml here, else the one that comes along)',
    )
    .option('--state-dir <folder>', 'state of the project (default: .modality-guard)')
    .option('--ui', "also open Temporal's web UI on loopback")
    .addOption(
      new Option('--port <port>', 'port for a server of our own (default: a free one)').argParser(port),
    )
    .addOption(new Option('--ui-port <port>', 'port for its web UI (default: a free one)').argParser(port));
}

export function withDeviceFlag(command: Command): Command {
  const option = new Option('--device <name>', 'where models are computed (default: worker.device)');
  return command.addOption(option.choices(DeviceChoice.options));
}

export function withWorkFlags(command: Command): Command {
  return withProjectFlags(command)
    .option(
      '--model <name, folder or address>',
      'a model folder in the Hugging Face ONNX layout, a name in the registry, or an OpenAI-compatible base URL (default: model.folder of the configuration)',
    )
    .addOption(
      new Option(
        '--dtype <precision>',
        'which precision of a model folder that holds several (default: the most exact one)',
      ).choices(Dtype.options),
    )
    .option(
      '--model-name <name>',
      'the model on that server; of a folder, what it is called (default: as the folder)',
    )
    .option('--champion', "start from the registry's champion")
    .option('--benchmark <folder>', 'benchmark pack, or what ingest wrote (default: data.folder)')
    .addOption(new Option('--seed <number>', 'seed of every random choice (default: seed)').argParser(whole))
    .addOption(
      new Option(
        '--samples <number>',
        'samples per condition of the diagnosis (default: diagnosis.samples)',
      ).argParser(positive),
    )
    .addOption(new Option('--steps <number>', 'training steps (default: training.steps)').argParser(positive))
    .addOption(
      new Option(
        '--lora-rank <number>',
        'train LoRA factors of this rank (default: training.lora)',
      ).argParser(positive),
    )
    .addOption(
      new Option('--lora-alpha <number>', 'LoRA scale (default: twice the rank)').argParser(positive),
    );
}

/** Flag of the commands that may promote a model. */
export interface PolicyFlags {
  policy?: string;
}

export function withPolicyFlag(command: Command, what: string): Command {
  return command.option('--policy <name>', `${what} (default: "policy" of the configuration)`);
}

export function withScenarioFlags(command: Command): Command {
  return command
    .option('--task <file>', 'task file (YAML): its tasks name their scenario packs (default: none)')
    .option(
      '--scenarios <pack...>',
      'scenario packs beside the catalogue: files, or names of those that come along (default: diagnosis.scenarios)',
    );
}

export function withMixFlag(command: Command): Command {
  return command.option(
    '--mix <set>',
    'where kinds of task come from that the training data lack: embedded, none, or a benchmark folder (default: training.mix, else embedded)',
  );
}

/** What a diagnosis tries beyond the configuration, and the rules that it is judged by. */
export function withDiagnosisFlags(command: Command): Command {
  return withScenarioFlags(command)
    .addOption(
      new Option(
        '--level <level>',
        'L0 nothing, L1 each heuristic, L2 the worst of them, L3 PGD, L4 one change for all samples (default: diagnosis.level, else the catalogue and diagnosis.attack)',
      ).choices(levels),
    )
    .option(
      '--gate <file>',
      'rules (YAML) that the diagnosis must keep to; "diagnose" ends with 3 where one fails (default: built-in rules)',
    );
}

export function whole(text: string): number {
  return number(text, (value) => Number.isSafeInteger(value), 'a whole number');
}

export function positive(text: string): number {
  return number(text, (value) => Number.isSafeInteger(value) && value > 0, 'a whole number above 0');
}

export function share(text: string): number {
  return number(text, (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
}

export function amount(text: string): number {
  return number(text, (value) => value > 0 && Number.isFinite(value), 'a number above 0');
}

function port(text: string): number {
  return number(
    text,
    (value) => Number.isInteger(value) && value > 0 && value < 65_536,
    'a port, 1 to 65535',
  );
}

function number(text: string, accept: (value: number) => boolean, expected: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!accept(value)) throw new InvalidArgumentError(`expected ${expected}.`);
  return value;
}
