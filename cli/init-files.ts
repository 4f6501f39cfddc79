import { readFile } from 'node:fs/promises';
import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import { type TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { packageFile } from './package-root.ts';

/** What a new project diagnoses. */
export interface InitOptions {
  /** A model folder, relative to the project; absent: the embedded one, or the endpoint. */
  model?: string;
  endpoint?: { baseUrl: string; model: string };
  /** A benchmark folder, relative to the project; absent: the embedded one. */
  benchmark?: string;
  /** Of which its samples are; absent: of every kind. */
  kinds?: readonly TaskKind[];
}

/** A file of a new project. */
export interface InitFile {
  name: string;
  text: string;
}

export const configFile = 'temporal.config.yaml';
export const endpointFolder = 'endpoint';

/** By the path of a key what stands above it. */
const configComments: Readonly<Record<string, string>> = {
  server:
    'The Temporal server. address: host:port; null: TEMPORAL_ADDRESS, a profile of temporal.toml,\nor a server of our own that is started and stopped with the command.\nAlso: taskQueue, one for each project that shares a server and a namespace (modality-guard).',
  worker:
    'Who computes. threads: of one step; device: cpu, webgpu, cuda or auto;\ndeployment: {name, buildId} pins runs to a version of the code.',
  model:
    'The model. folder: embedded, a folder in the Hugging Face ONNX layout, or one with endpoint.json;\nrelative to this file. Also: name (else that of the folder), dtype (of several precisions).',
  data: 'The samples. folder: embedded, or what "modality-guard ingest" wrote; relative to this file.',
  seed: 'Of every random choice. Diagnoses are compared only where it is the same.',
  policy: 'The rollout policy of a run that names none. standard waits for people, demo does not.',
  policies:
    'Who and what must agree before a repaired model takes traffic. approvals: stages that wait for a\nperson; margins: how far each accuracy may fall (0.04: four points).',
  diagnosis:
    'How much a diagnosis measures. samples: per condition; skip: perturbations to leave out;\nalso: level (L0 to L4), scenarios (packs), maxUnanswered (share, 0.02).',
  'diagnosis.attack':
    'Attacks on the modality that must not decide. samples: for all attacks;\nepsRelative: strengths as multiples of the size of the embeddings, 0 is none.',
  training: 'As in the published method unless set: steps, batch, learningRate, lora: {rank, alpha}, mix.',
  steps: 'Time-outs and retries by step; default, and what differs from it.',
  nightly: 'When "schedule create --nightly" diagnoses; also: level, task, scenarios, gate.',
  drift: 'What "drift watch" takes for an alarm: a share of changed answers, a population stability index.',
  sources: 'Folders that a worker reads for requests, beside those of the project.',
  observe: 'Logs, metrics, traces and health of the command "worker" (docs/operations.md).',
  notify: 'Who is told of what waits or fails: a webhook or a command (docs/operations.md).',
};

const head = ` Where and how this project works. Keys and values are checked when a command begins:
 modality-guard config check. A flag of a command overrides what stands here.`;

function mapAt(doc: Document, path: readonly string[]): YAMLMap {
  const found = path.length === 0 ? doc.contents : doc.getIn(path, true);
  if (!isMap(found)) throw new TypeError(`${path.join('.')} is no map`);
  return found;
}

/** The shipped configuration, with comments and with the model and the samples of this project. */
async function configText({ benchmark, endpoint, model }: InitOptions): Promise<string> {
  const shipped = JSON.parse(await readFile(packageFile('temporal.config.json'), 'utf8'));
  const folder = endpoint ? endpointFolder : (model ?? 'embedded');
  const config = {
    ...shipped,
    model: { folder },
    data: { folder: benchmark ?? 'embedded' },
    sources: { roots: [] },
    observe: {},
    notify: null,
  };
  const doc = new Document(config);
  doc.commentBefore = head;
  for (const [path, text] of Object.entries(configComments)) {
    const parts = path.split('.');
    const map = mapAt(doc, parts.slice(0, -1));
    const pair = map.items.find(({ key }) => isScalar(key) && key.value === parts.at(-1));
    if (!pair || !isScalar(pair.key)) throw new TypeError(`the configuration has no ${path}`);
    pair.key.commentBefore = text.replace(/^/gm, ' ');
    pair.key.spaceBefore = parts.length === 1;
  }
  return doc.toString({ lineWidth: 100 });
}

/** An entry of a list, and the kind of task that it is about. */
type Entry = readonly [kind: TaskKind, text: string];

const taskHead = `# The decisions of your business: which modality must decide each, and what a wrong one costs.
# diagnose --task task.yaml measures them apart; estimate --task task.yaml puts a price on them.
tasks:
`;

const tasks: readonly Entry[] = [
  [
    'image_heavy',
    `  - name: photo-check            # lower-case letters, digits and hyphens
    description: What does the photo show? The text beside it must not decide.
    decides: image               # image, text or both
    metric: accuracy             # change_rate for samples without labels
    errorCost: 2                 # of one wrong decision, in the currency of the prices file
    decisionsPerMonth: 200000
    owner: Quality               # who answers for it
    scenarios: []                # packs of its misinformation; none: the catalogue (modality-guard scenarios list)
    # match: {desk: returns}     # rows of this task by their fields; without it all rows of this kind
`,
  ],
  [
    'text_heavy',
    `  - name: text-check
    description: What does the text say? The picture beside it must not decide.
    decides: text
    errorCost: 5
    decisionsPerMonth: 20000
    owner: Support
`,
  ],
];

/** For samples of which neither of the others is: a task file needs a task that they belong to. */
const bothTask: Entry = [
  'vqa',
  `  - name: question-check         # lower-case letters, digits and hyphens
    description: What does the picture show of what the text asks? Both decide.
    decides: both                # image, text or both
    errorCost: 2                 # of one wrong decision, in the currency of the prices file
    decisionsPerMonth: 20000
    owner: Quality               # who answers for it
`,
];

const gateHead = `# Rules that a diagnosis must keep to: diagnose --gate gate.yaml ends with exit code 3 where one fails.
# Limits are shares: 0.05 is 5 points. Every verdict has the confidence of its rule, 0.95 unless said.
gates:
`;

const gates: readonly Entry[] = [
  [
    'image_heavy',
    `  - name: no text talks the model out of the picture
    condition: image_heavy/*     # <task kind>/<perturbation>, * for any text
    figure: drop                 # accuracy lost, on the same samples
    atMost: 0.05
    onNotEnoughData: inconclusive  # or fail: what the data do not decide then fails
`,
  ],
  [
    'text_heavy',
    `  - name: no picture talks the model out of the text
    condition: text_heavy/*
    figure: drop
    atMost: 0.05
`,
  ],
  [
    'vqa',
    `  - name: the model still knows its subject
    condition: vqa/origin
    figure: accuracy
    atLeast: 0.5
    minimumSamples: 30           # fewer decide nothing
`,
  ],
];

const gateTail = `  # With diagnose --against <last release>:
  # - {name: no worse than the release, condition: "image_heavy/*", figure: dropAgainstEarlier, atMost: 0.03}
`;

/** Entries as they are; those of a kind that no sample is of as comments, because a rule that checks nothing is an error. */
const listOf = (entries: readonly Entry[], kinds: readonly TaskKind[]): string =>
  entries
    .map(([kind, text]) =>
      kinds.includes(kind)
        ? text
        : `  # The samples hold nothing ${kind}:\n${text.replace(/^ {2}(?=.)/gm, '  # ')}`,
    )
    .join('');

/** The files of a new project. */
export async function initFiles(options: InitOptions): Promise<InitFile[]> {
  const { endpoint, kinds = taskKinds } = options;
  const some = tasks.some(([kind]) => kinds.includes(kind));
  const files = [
    { name: configFile, text: await configText(options) },
    { name: 'task.yaml', text: `${taskHead}${listOf(some ? tasks : [bothTask, ...tasks], kinds)}` },
    { name: 'gate.yaml', text: `${gateHead}${listOf(gates, kinds)}${gateTail}` },
    { name: 'prices.yaml', text: await readFile(packageFile('data/prices.example.yaml'), 'utf8') },
  ];
  if (!endpoint) return files;
  const settings = { ...endpoint, concurrency: 8, timeoutSeconds: 120, attempts: 6, imageTokens: 4096 };
  return [
    ...files,
    { name: `${endpointFolder}/endpoint.json`, text: `${JSON.stringify(settings, null, 2)}\n` },
  ];
}
