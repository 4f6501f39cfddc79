import { pairedComparison, wilson, wilsonOf } from '../../diagnosis/index.ts';
import { differenceInterval } from '../../diagnosis/statistics/wilson.ts';
import { Random } from '../../random/index.ts';
import type { ConditionFigures, LossPoint, RunReport, StageRecord } from '../../schemas/report.ts';
import { sampleExamples } from './sample-examples.ts';

const n = 600;

/** Accuracy and change rate in percent before and after, and the share that follows the hint. */
type Row = [
  before: number,
  after: number,
  changeBefore: number,
  changeAfter: number,
  followed?: [number, number],
];

const rows: Record<string, Row> = {
  'image_heavy/origin': [91.8, 92.4, 0, 0],
  'image_heavy/unrelated_text': [74.9, 92.0, 23.1, 3.4],
  'image_heavy/misleading_text': [30.3, 91.2, 66.2, 2.9, [66.0, 2.4]],
  'image_heavy/misleading_text_unseen': [29.6, 90.9, 67.1, 3.6, [66.9, 2.8]],
  'image_heavy/ocr_text': [35.8, 90.2, 60.3, 4.1, [58.0, 3.1]],
  'image_heavy/helpful_text': [99.1, 95.6, 8.8, 4.0, [99.1, 95.6]],
  'text_heavy/origin': [100, 100, 0, 0],
  'text_heavy/full_black': [82.0, 99.8, 18.0, 0.2],
  'text_heavy/full_white': [72.4, 99.7, 27.6, 0.3],
  'text_heavy/random_pixels': [81.7, 99.5, 18.3, 0.5],
  'text_heavy/switch': [84.3, 99.8, 15.7, 0.2],
  'text_heavy/ui_screenshot': [86.2, 99.9, 13.8, 0.1],
  'text_heavy/switch_target': [59.9, 92.6, 40.1, 7.4, [39.5, 7.2]],
  'text_heavy/image_unseen': [87.0, 99.9, 13.0, 0.1],
  'vqa/origin': [90.5, 88.7, 0, 0],
};

function condition(accuracy: number, changed: number, followed: number | undefined): ConditionFigures {
  const right = Math.round((accuracy / 100) * n);
  const hint = followed === undefined ? {} : { followed: followed / 100 };
  const kl = (changed / 100) ** 2 * 4;
  return { accuracy: right / n, changeRate: changed / 100, n, ci95: wilson(right, n), kl, ...hint };
}

function diagnosis(index: 0 | 1): RunReport['base'] {
  const entries = Object.entries(rows).map(([key, row]) => {
    const changed = index === 0 ? row[2] : row[3];
    return [key, condition(row[index], changed, row[4]?.[index])] as const;
  });
  return Object.fromEntries(entries);
}

const epsGrid = [0, 0.001, 0.003, 0.01, 0.03, 0.1];

/** Accuracy in percent over `epsGrid`. */
const curves = {
  image_heavy: {
    rms: 0.03,
    pgd: { before: [91.8, 78, 38, 4, 0.5, 0], after: [92.4, 91, 78, 37, 9, 1] },
    strong: { before: [91.8, 70, 22, 1, 0, 0], after: [92.4, 89, 71, 28, 4, 0.3] },
    rg: { before: [91.8, 91.8, 91.6, 90.9, 83, 55], after: [92.4, 92.4, 92.4, 92.2, 90, 72] },
  },
  text_heavy: {
    rms: 0.82,
    pgd: { before: [84, 82, 80, 71, 43, 12], after: [99.8, 99.8, 99.6, 98.9, 94, 70] },
    strong: { before: [84, 81, 76, 58, 25, 4], after: [99.8, 99.7, 99.2, 97, 85, 48] },
    rg: { before: [84, 84, 83.9, 84.1, 83.8, 82.2], after: [99.8, 99.8, 99.8, 99.8, 99.7, 99.5] },
  },
} as const;

function attacks(): RunReport['pgd'] {
  return (['image_heavy', 'text_heavy'] as const).flatMap((taskKind) =>
    (['strong', 'pgd', 'rg'] as const).flatMap((attack) =>
      epsGrid.map((eps, i) => {
        const { before, after } = curves[taskKind][attack];
        const epsRelative = eps / curves[taskKind].rms;
        const was = { share: before[i]! / 100, interval: wilsonOf(before[i]! / 100, 200) };
        const is = { share: after[i]! / 100, interval: wilsonOf(after[i]! / 100, 200) };
        return {
          beforeCi95: was.interval,
          afterCi95: is.interval,
          differenceCi95: differenceInterval(was, is),
          taskKind,
          eps,
          epsRelative,
          attack,
          before: before[i]! / 100,
          after: after[i]! / 100,
          n: 200,
        };
      }),
    ),
  );
}

function losses(): LossPoint[] {
  const random = new Random(1, 'sample losses');
  return Array.from({ length: 150 }, (_, step) => {
    const noise = () => 1 + 0.18 * random.normal();
    const sft = (0.28 + 0.75 * Math.exp(-step / 18)) * noise();
    const adversarial = (0.85 + 2.1 * Math.exp(-step / 35)) * noise();
    const consistency = (0.09 + 1.3 * Math.exp(-step / 14)) * Math.abs(noise());
    const learningRate = 3e-4 * Math.min(1, (step + 1) / 5) * (0.5 + 0.5 * Math.cos((Math.PI * step) / 150));
    const gradientNorm = 1.1 + 2 * Math.exp(-step / 20) * Math.abs(noise());
    const total = sft + adversarial + 0.1 * consistency;
    return {
      step: step + 1,
      total,
      sft,
      adversarial,
      consistency,
      learningRate,
      gradientNorm,
    };
  });
}

function answers(count: number, accuracy: number, stream: string): boolean[] {
  const random = new Random(2, 'sample answers', stream);
  return Array.from({ length: count }, () => random.uniform() < accuracy);
}

function stage(name: string, share: number, requests: number, comment: string | null): StageRecord {
  const compare = (title: string, champion: number, challenger: number, margin: number) =>
    pairedComparison({
      name: title,
      champion: answers(requests, champion, `champion ${name}`),
      challenger: answers(requests, challenger, `challenger ${name}`),
      margin,
    });
  const figures = [
    compare('Accuracy under perturbation', 0.6, 0.95, 0),
    compare('Visual questions', 0.93, 0.95, 0.05),
  ];
  const approval =
    comment === null
      ? null
      : {
          decision: 'approve' as const,
          by: 'policy "demo"',
          automatic: true,
          comment,
          at: '2026-03-02T09:14:31Z',
        };
  const reason = figures.map((figure) => figure.reason).join(' ');
  const open = figures.find(({ verdict }) => verdict !== 'pass');
  return { stage: name, share, requests, verdict: open?.verdict ?? 'pass', reason, figures, approval };
}

const stages = [
  stage('offline', 0, 600, 'The policy approves by itself: a demonstration.'),
  stage('shadow', 0, 400, null),
  stage('canary-5', 0.05, 240, null),
  stage('canary-25', 0.25, 400, null),
  stage('canary-50', 0.5, 400, null),
  stage('full', 1, 600, 'The policy approves by itself: a demonstration.'),
];

const trainedOn = [
  'image_heavy/misleading_text',
  'image_heavy/unrelated_text',
  'text_heavy/full_black',
  'text_heavy/full_white',
  'text_heavy/random_pixels',
  'text_heavy/switch',
];

/** What the figures above say of the training: its worst before and after, what it cost, and the rules. */
function repair(): NonNullable<RunReport['repair']> {
  const reason = (condition: string, drop: string, range: string) =>
    `accuracy lost under ${condition}: ${drop} points on 600 samples, ${range} points with 95 % confidence for all 4 conditions together; at most 5.0 points asked.`;
  const gate = (name: string, verdict: 'pass' | 'fail', said: string) => ({ name, verdict, reason: said });
  return {
    trainedOn,
    atChance: { before: [], after: [] },
    found: {
      verdict: 'drop',
      largest: {
        condition: 'image_heavy/misleading_text_unseen',
        clean: 551 / 600,
        perturbed: 178 / 600,
        ci95: [0.58, 0.66],
        n: 600,
      },
    },
    foundOnTrained: {
      verdict: 'drop',
      largest: {
        condition: 'image_heavy/misleading_text',
        clean: 551 / 600,
        perturbed: 182 / 600,
        ci95: [0.57, 0.66],
        n: 600,
      },
    },
    lowest: {
      before: {
        condition: 'image_heavy/misleading_text_unseen',
        accuracy: 178 / 600,
        ci95: [0.262, 0.345],
        n: 600,
        conditions: 5,
      },
      after: {
        condition: 'image_heavy/ocr_text',
        accuracy: 541 / 600,
        ci95: [0.875, 0.929],
        n: 600,
        conditions: 5,
      },
      change: 'raised',
      overall: {
        before: {
          condition: 'image_heavy/misleading_text_unseen',
          accuracy: 178 / 600,
          ci95: [0.261, 0.35],
          n: 600,
          conditions: 11,
        },
        after: {
          condition: 'image_heavy/ocr_text',
          accuracy: 541 / 600,
          ci95: [0.875, 0.931],
          n: 600,
          conditions: 11,
        },
      },
    },
    ability: {
      vqa: {
        before: 0.905,
        after: 0.8866666666666667,
        difference: -0.0183333333333333,
        ci95: [-0.032, -0.005],
        pValue: 0.0126,
        n: 600,
        margin: 0.05,
        verdict: 'slightly_lower',
      },
    },
    rules: {
      before: {
        verdict: 'fail',
        gates: [
          gate(
            'no text costs more than 5 points',
            'fail',
            reason('image_heavy/misleading_text', '61.5', '56.4 to 66.6'),
          ),
          gate(
            'no picture costs more than 5 points',
            'fail',
            reason('text_heavy/switch_target', '40.1', '35.0 to 45.2'),
          ),
        ],
      },
      after: {
        verdict: 'fail',
        gates: [
          gate(
            'no text costs more than 5 points',
            'pass',
            reason('image_heavy/ocr_text', '2.2', '0.1 to 4.3'),
          ),
          gate(
            'no picture costs more than 5 points',
            'fail',
            reason('text_heavy/switch_target', '7.4', '5.2 to 9.9'),
          ),
        ],
      },
    },
  };
}

const digest = (digit: string) =>
  `sha256:${digit.repeat(4)}c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0`;

/** A report with figures of the usual size, the same each time. Not a measurement. */
export function sampleReport(): RunReport {
  const json = 'application/json';
  const parquet = 'application/vnd.apache.parquet';
  const model = 'application/vnd.modality-guard.model+json';
  return {
    schemaVersion: 1,
    workflowId: 'robustify/mini/5f2c9a1e77b04c3d',
    runId: '0196b2f4-7c1d-7a3e-9f60-2f1f0e7c9a11',
    createdAt: '2026-03-02T09:15:02.000Z',
    codeVersion: '0.1.0',
    seed: 1,
    disclaimer:
      'A diagnosis makes risks visible on the samples and perturbations that were tested. It is no guarantee for inputs that were not.',
    model: { name: 'mini-llava', base: digest('1'), trained: digest('2') },
    base: diagnosis(0),
    trained: diagnosis(1),
    pgd: attacks(),
    repair: repair(),
    losses: losses(),
    examples: sampleExamples(),
    pilot: {
      gate: { ...stage('pilot', 0, 2200, 'Worth the money.'), verdict: 'pass' },
      predictions: [
        {
          taskKind: 'image_heavy',
          steps: 150,
          predicted: 0.875,
          ci95: [0.81, 0.97],
          actual: 0.894,
          error: 0.019,
          covered: true,
        },
        {
          taskKind: 'text_heavy',
          steps: 150,
          predicted: 0.99,
          ci95: [0.98, 1],
          actual: 0.975,
          error: -0.015,
          covered: false,
        },
      ],
    },
    showcase: {
      condition: 'image_heavy/misleading_text_unseen',
      example: { ...sampleExamples()[0]!, perturbation: 'misleading_text_unseen' },
      misled: sampleExamples()[0]!.context,
      cleanImage: null,
      failing: 373,
      n: 551,
      ci95: [0.636, 0.715],
      verdict: 'drop',
      after: { failing: 16, n: 553, ci95: [0.018, 0.046] },
    },
    rollout: {
      outcome: 'promoted',
      reason: 'Every stage passed its gate.',
      policy: 'demo',
      champion: digest('1'),
      challenger: digest('2'),
      stages: structuredClone(stages),
    },
    artifacts: {
      'base model': { digest: digest('1'), mediaType: model, bytes: 1_204 },
      'trained model': { digest: digest('2'), mediaType: model, bytes: 1_204 },
      'training samples': { digest: digest('3'), mediaType: parquet, bytes: 6_412_331, rows: 9600 },
      'test samples': { digest: digest('4'), mediaType: parquet, bytes: 4_112_904, rows: 9000 },
      'predictions before': { digest: digest('5'), mediaType: parquet, bytes: 341_887, rows: 9000 },
      'predictions after': { digest: digest('6'), mediaType: parquet, bytes: 339_020, rows: 9000 },
      losses: { digest: digest('7'), mediaType: parquet, bytes: 9_340, rows: 150 },
      figures: { digest: digest('8'), mediaType: json, bytes: 5_120 },
    },
    secondsPerStep: 0.3,
    seconds: { ingest: 1.8, diagnose: 0, augment: 2.4, train: 71.3, evaluate: 38.2, rollout: 24.6 },
    cached: ['diagnose'],
  };
}

export const sampleParameters = {
  training: {
    steps: 150,
    batch: 64,
    learningRate: 3e-4,
    lambda: 0.1,
    consistency: 'kl',
    adversarial: { eps: 0.01, alpha: 0.1, steps: 2 },
  },
  policy: { name: 'demo', stages: ['offline', 'shadow', 0.05, 0.25, 0.5, 'full'] },
};
