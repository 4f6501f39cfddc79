import { join } from 'node:path';
import { wilsonOf } from '../diagnosis/index.ts';
import { diagnosisJUnit, diagnosisMarkdown, modelCard, renderDiagnosis } from '../report/index.ts';
import type { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import { sumOfUnanswered } from '../schemas/unanswered.ts';
import {
  type Row,
  type TableSchema,
  writeAtomically,
  writeCsvFile,
  writeSampleLog,
  writeTableFile,
} from '../store/index.ts';
import { caseFiles, writeCases } from './case-tables.ts';
import type { ReportedDiagnosis } from './diagnosis-report.ts';
import { pageCases } from './page-cases.ts';

const names = {
  html: 'report.html',
  json: 'report.json',
  markdown: 'report.md',
  junit: 'junit.xml',
  modelCard: 'model-card.md',
  figures: 'figures.csv',
  figuresParquet: 'figures.parquet',
  patterns: 'patterns.csv',
  patternsParquet: 'patterns.parquet',
  sampleLog: 'sample-log.parquet',
  ...caseFiles,
} as const;

const patternName = 'universal-pattern.png';

/** Absolute paths of what was written. */
export type DiagnosisFiles = Record<keyof typeof names, string> & { universalPattern?: string };

const number = { kind: 'float64', nullable: true } as const;

const figureColumns = {
  taskKind: { kind: 'string' },
  perturbation: { kind: 'string' },
  /** Of an attack; else null. */
  eps: number,
  /** Accuracy under a random change of the size of a universal attack, and the words that it found. */
  controlAccuracy: number,
  trigger: { kind: 'string', nullable: true },
  n: { kind: 'int32' },
  accuracy: number,
  accuracyLow: number,
  accuracyHigh: number,
  changeRate: number,
  /** Samples without an answer, and pairs of which both have one, which the change rate is of; null of attacks. */
  unanswered: { kind: 'int32', nullable: true },
  pairs: { kind: 'int32', nullable: true },
  followed: number,
  kl: number,
  js: number,
  ece: number,
  drop: number,
  dropLow: number,
  dropHigh: number,
  pValue: number,
  pAdjusted: number,
  pairsNeeded: { kind: 'int64', nullable: true },
  finding: { kind: 'string', nullable: true },
} as const satisfies TableSchema;
type FigureRow = Row<typeof figureColumns>;

const blank = Object.fromEntries(
  Object.keys(figureColumns).map((name) => [name, null]),
) as unknown as FigureRow;

/** A row a condition, and one an attack point. */
function figureRows({ base, measures, pgd }: DiagnosisReport): FigureRow[] {
  const conditions = Object.entries(base).map(([condition, figures]): FigureRow => {
    const [taskKind = '', ...name] = condition.split('/');
    const { drop, ece = null, js = null } = measures.conditions[condition] ?? {};
    const { accuracy, changeRate, ci95, followed = null, kl = null, n } = figures;
    return {
      ...blank,
      taskKind,
      perturbation: name.join('/'),
      n,
      accuracy,
      accuracyLow: ci95?.[0] ?? null,
      accuracyHigh: ci95?.[1] ?? null,
      changeRate,
      unanswered: sumOfUnanswered([figures.unanswered]).total,
      pairs: figures.pairs ?? n,
      followed,
      kl,
      js,
      ece,
      ...(drop
        ? {
            drop: drop.drop,
            dropLow: drop.ci95[0],
            dropHigh: drop.ci95[1],
            pValue: drop.pValue,
            pAdjusted: drop.pAdjusted,
            pairsNeeded: drop.pairsNeeded,
            finding: drop.verdict,
          }
        : {}),
    };
  });
  const attacks = pgd.map(
    ({ attack, before: accuracy, changeRate, eps, n, taskKind, ...found }): FigureRow => {
      const [accuracyLow, accuracyHigh] = wilsonOf(accuracy, found.effective ?? n);
      const measured = { n, accuracy, accuracyLow, accuracyHigh, changeRate };
      const controlAccuracy = found.control?.accuracy ?? null;
      const trigger = found.trigger ?? null;
      return { ...blank, ...measured, taskKind, perturbation: attack, eps, controlAccuracy, trigger };
    },
  );
  return [...conditions, ...attacks];
}

const patternColumns = {
  features: { kind: 'string' },
  n: { kind: 'int32' },
  failures: { kind: 'int32' },
  rate: { kind: 'float64' },
  rateLow: { kind: 'float64' },
  rateHigh: { kind: 'float64' },
  support: { kind: 'float64' },
  lift: { kind: 'float64' },
  covered: { kind: 'float64' },
  pValue: { kind: 'float64' },
  pAdjusted: { kind: 'float64' },
  examples: { kind: 'list<string>' },
} as const satisfies TableSchema;

function patternRows({ patterns: { patterns } }: DiagnosisReport): Row<typeof patternColumns>[] {
  return patterns.map(({ ci95: [rateLow, rateHigh], features, ...rest }) => ({
    ...rest,
    features: JSON.stringify(features),
    rateLow,
    rateHigh,
  }));
}

const writeText = (path: string, text: string) => writeAtomically(path, (write) => write(Buffer.from(text)));

/** Writes a diagnosis in all its forms into a folder, each file whole. @throws GuardError Storage */
export async function writeDiagnosis(
  folder: string,
  { cases, dataset, log, pattern, report }: ReportedDiagnosis,
): Promise<DiagnosisFiles> {
  const files = Object.fromEntries(
    Object.entries(names).map(([key, name]) => [key, join(folder, name)]),
  ) as DiagnosisFiles;
  await writeText(files.html, renderDiagnosis(report, await pageCases(cases, Object.values(caseFiles))));
  await writeCases(folder, cases);
  await writeText(files.json, `${JSON.stringify(report, null, 2)}\n`);
  await writeText(files.markdown, diagnosisMarkdown(report));
  await writeText(files.junit, diagnosisJUnit(report));
  await writeText(files.modelCard, modelCard(report, dataset));
  const figures = figureRows(report);
  await writeCsvFile(files.figures, figureColumns, figures);
  await writeTableFile(files.figuresParquet, figureColumns, figures);
  const patterns = patternRows(report);
  await writeCsvFile(files.patterns, patternColumns, patterns);
  await writeTableFile(files.patternsParquet, patternColumns, patterns);
  await writeSampleLog(files.sampleLog, log);
  if (!pattern) return files;
  const universalPattern = join(folder, patternName);
  await writeAtomically(universalPattern, (write) => write(pattern));
  return { ...files, universalPattern };
}
