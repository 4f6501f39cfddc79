import { errorPatterns } from '../../diagnosis/index.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sampleReport } from './sample.ts';

const share = (value: number, n: number) => ({
  share: value,
  ci95: [value - 0.03, value + 0.03] as [number, number],
  n,
});

type Pattern = DiagnosisReport['patterns']['patterns'][number];

function pattern(features: Record<string, string>, n: number, failures: number): Pattern {
  const rate = failures / n;
  return {
    features,
    n,
    failures,
    rate,
    ci95: [rate - 0.05, rate + 0.05],
    support: n / 5000,
    lift: rate / 0.3,
    covered: failures / 1500,
    pValue: 1e-9,
    pAdjusted: 1e-6,
    examples: ['test-image-00017', 'test-image-00402'],
  };
}

function measuresOf(base: DiagnosisReport['base']): DiagnosisReport['measures'] {
  const conditions = Object.entries(base).map(([key, { accuracy, n }]) => {
    const clean = base[`${key.split('/')[0]}/origin`]!.accuracy!;
    const drop = clean - accuracy!;
    const verdict = drop > 0.05 ? 'drop' : drop < 0.01 ? 'no_relevant_drop' : 'not_enough_data';
    const measured = {
      drop,
      ci95: [drop - 0.04, drop + 0.04] as [number, number],
      pValue: 0.001,
      pAdjusted: 0.01,
      n,
      pairsNeeded: 412,
      verdict,
    } as const;
    return [key, { js: 0.1, ece: 0.08, drop: key.endsWith('/origin') ? null : measured }] as const;
  });
  return {
    relevantDrop: 0.05,
    conditions: Object.fromEntries(conditions),
    reliance: {},
    worst: { image_heavy: share(0.2, 600), text_heavy: share(0.6, 600), vqa: share(0.9, 600) },
    competency: share(0.11, 600),
    lowest: {
      condition: 'image_heavy/misleading_text_unseen',
      accuracy: 178 / 600,
      ci95: [0.261, 0.35],
      n: 600,
      conditions: 11,
    },
    largest: {
      condition: 'image_heavy/misleading_text_unseen',
      drop: 0.622,
      ci95: [0.56, 0.662],
      n: 600,
      conditions: 11,
    },
    letters: { predicted: [0.25, 0.25, 0.3, 0.2], answers: [0.25, 0.25, 0.25, 0.25], bias: 0.05 },
  };
}

type Gate = DiagnosisReport['gates'][number];

const hostile = 'a "rule" <b>&amp; | `all` \u0007of it';

function gates(): Gate[] {
  const common = { figure: 'drop', limit: 'atMost', threshold: 0.05, confidence: 0.95 } as const;
  const found = (condition: string, value: number, verdict: Gate['verdict']) => {
    return { condition, value, interval: [value - 0.03, value + 0.03] as [number, number], n: 600, verdict };
  };
  const misled = found('image_heavy/misleading_text', 0.61, 'fail');
  const black = found('text_heavy/full_black', 0.06, 'inconclusive');
  return [
    {
      ...common,
      ...misled,
      name: hostile,
      rule: 'image_heavy/*',
      reason: `accuracy lost: ${hostile}`,
      findings: [misled, found('image_heavy/ocr_text', 0.02, 'pass')],
    },
    { ...common, ...black, name: 'black', rule: black.condition, reason: 'undecided', findings: [black] },
    {
      ...common,
      ...found('vqa/origin', 0.9, 'pass'),
      name: 'visual questions',
      rule: 'vqa/origin',
      figure: 'accuracy',
      limit: 'atLeast',
      threshold: 0.8,
      reason: 'kept',
      findings: [],
    },
  ];
}

/** A case of the worst condition. */
export function sampleShowcase(): NonNullable<DiagnosisReport['showcase']> {
  const [example] = sampleReport().examples;
  return {
    condition: 'image_heavy/misleading_text_unseen',
    example: { ...example!, perturbation: 'misleading_text_unseen', trainedPrediction: null },
    misled: example!.context,
    cleanImage: null,
    failing: 373,
    n: 551,
    ci95: [0.636, 0.715],
  };
}

/** A diagnosis of the usual size for tests of its forms; no measurement. */
export function sampleDiagnosis(): DiagnosisReport {
  const { artifacts, base, codeVersion, createdAt, disclaimer, examples, model, pgd, runId, seed } =
    sampleReport();
  return DiagnosisReport.parse({
    schemaVersion: 1,
    workflowId: 'diagnose/mini/0123456789abcdef',
    runId,
    createdAt,
    codeVersion,
    seed,
    disclaimer,
    model: { name: model.name, base: model.base },
    base,
    pgd: pgd.map(({ afterCi95: _, beforeCi95: __, differenceCi95: ___, ...point }) => ({
      ...point,
      changeRate: 0.1,
      after: null,
    })),
    measures: measuresOf(base),
    verdict: 'fail',
    rules: 'given',
    gates: gates(),
    patterns: {
      ...errorPatterns([], { seed }),
      cases: 5000,
      failures: 1500,
      tested: 900,
      found: 2,
      patterns: [
        pattern({ scenario: 'misleading_text' }, 500, 330),
        pattern(
          {
            scenario: 'misleading_text',
            template: 'the picture seems to depict a {} .',
            hintedClass: 'ship',
          },
          60,
          52,
        ),
      ],
    },
    examples: examples.map((example) => ({ ...example, trainedPrediction: null })),
    showcase: sampleShowcase(),
    endpoint: null,
    artifacts,
    seconds: { ingest: 3, diagnose: 61 },
    cached: ['ingest'],
  } satisfies DiagnosisReport);
}
