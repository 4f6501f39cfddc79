import {
  isAnswered,
  isInterference,
  type PerturbedSample,
  type Prediction,
} from '../../schemas/benchmark.ts';
import type { CaseTexts, FailingCase } from '../../schemas/case.ts';
import type { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import type { Showcase } from '../../schemas/report.ts';
import { clusteredWilson } from '../statistics/wilson.ts';
import { conditionOf } from './figures.ts';
import { rightHintsAmong } from './right-hints.ts';
import { imageDataUri } from './talked-out.ts';

export interface ShowcaseInput {
  samples: readonly PerturbedSample[];
  predictions: readonly Prediction[];
  /** Of the trained model. */
  after?: readonly Prediction[];
  /** Conditions that training saw, which tell least of what it did: the others come first. */
  seen?: readonly string[];
  /** As `failingCases` gives them for the same samples. */
  cases: readonly FailingCase[];
  measures: Pick<DiagnosisMeasures, 'conditions' | 'floors'>;
}

interface Like {
  failing: number;
  n: number;
  ci95: [number, number];
}

/** How often questions of a condition are talked out of the right answer, of those that have it; without labels how often answers change. */
function likeOf(
  { predictions, samples }: Pick<ShowcaseInput, 'predictions' | 'samples'>,
  condition: string,
  labelled: boolean,
): Like | null {
  const sources = new Map(samples.map(({ id, source }) => [id, source]));
  const clean = new Map(
    predictions.filter(({ perturbation }) => perturbation === 'origin').map((one) => [one.id, one]),
  );
  const failed: boolean[] = [];
  const clusters: string[] = [];
  for (const one of predictions) {
    const before = clean.get(one.id);
    if (conditionOf(one) !== condition || !before || !isAnswered(one) || !isAnswered(before)) continue;
    if (labelled ? before.predicted !== one.answer : one.answer !== null) continue;
    failed.push(one.predicted !== before.predicted);
    clusters.push(sources.get(one.id) ?? one.id);
  }
  const failing = failed.filter(Boolean).length;
  return failed.length > 0 ? { failing, n: failed.length, ci95: clusteredWilson(failed, clusters) } : null;
}

const isLabelled = ({ answer }: Pick<FailingCase, 'answer'>) => answer !== null;

/** Those that a drop was found for first, and of them the largest; of unlabelled ones those that change most. Kinds at chance are left out. */
function conditionsInOrder(input: ShowcaseInput): string[] {
  const { conditions, floors = {} } = input.measures;
  const rightHints = rightHintsAmong(input.samples);
  const seen = new Set(input.seen);
  const rank = (key: string) => {
    const drop = conditions[key]?.drop;
    const found = drop ? (drop.verdict === 'drop' ? 4 : 0) + drop.drop : -1;
    return found - (seen.has(key) ? 2 : 0);
  };
  const keys = [...new Set(input.cases.map(conditionOf))].filter((key) => {
    const [kind = '', ...name] = key.split('/');
    const hopeless = floors[kind]?.atChance || conditions[key]?.drop?.verdict === 'at_chance';
    return !hopeless && isInterference(name.join('/'), rightHints);
  });
  const changed = (key: string) => {
    const like = likeOf(input, key, false);
    return like ? like.failing / like.n : 0;
  };
  return keys
    .map((key) => ({ key, rank: rank(key), changed: conditions[key]?.drop ? 0 : changed(key) }))
    .sort((a, b) => b.rank - a.rank || b.changed - a.changed)
    .map(({ key }) => key);
}

/** What a text has that it did not have before. */
function addedTo(clean: string | null, perturbed: string | null): string {
  if (!perturbed || perturbed === clean) return '';
  return (clean ? perturbed.replace(clean, ' ') : perturbed).trim();
}

function misledBy({ clean, perturbed }: { clean: CaseTexts; perturbed: CaseTexts }): string | null {
  const parts = (['context', 'inside', 'after'] as const).map((place) =>
    addedTo(clean[place], perturbed[place]),
  );
  return parts.filter((part) => part !== '').join(' … ') || null;
}

/** Among cases that come to the same, those that follow what the perturbation points to show best what it does; the first is drawn already. */
function caseOf(cases: readonly FailingCase[], condition: string): FailingCase | undefined {
  const own = cases.filter((one) => conditionOf(one) === condition);
  const talkedOut = own.filter(({ before }) => before.failure === 'talked_out');
  const found =
    talkedOut.length > 0
      ? talkedOut
      : own.filter((one) => one.before.failure === 'changed' && !isLabelled(one));
  return found.find(({ before, hinted }) => before.perturbed.predicted === hinted) ?? found[0];
}

/** A case to begin with; null: no answer failed where the model can be diagnosed. */
export function showcaseOf(input: ShowcaseInput): Showcase | null {
  for (const condition of conditionsInOrder(input)) {
    const one = caseOf(input.cases, condition);
    const like = one && likeOf(input, condition, isLabelled(one));
    if (!one || !like || like.failing === 0) continue;
    const now = input.after && likeOf({ ...input, predictions: input.after }, condition, isLabelled(one));
    const verdict = input.measures.conditions[condition]?.drop?.verdict;
    const { clean, perturbed } = one.images;
    const { context, inside, after } = one.texts.perturbed;
    return {
      condition,
      example: {
        ...{
          id: one.id,
          taskKind: one.taskKind,
          perturbation: one.perturbation,
          question: one.question,
          context,
        },
        ...(inside === null ? {} : { inside }),
        ...(after === null ? {} : { after }),
        options: one.options,
        answer: one.answer,
        cleanPrediction: one.before.clean.predicted!,
        perturbedPrediction: one.before.perturbed.predicted!,
        trainedPrediction: one.after?.perturbed.predicted ?? null,
        image: imageDataUri(perturbed),
      },
      misled: misledBy(one.texts),
      cleanImage:
        clean && perturbed && !Buffer.from(clean.bytes).equals(perturbed.bytes) ? imageDataUri(clean) : null,
      ...like,
      ...(verdict ? { verdict } : {}),
      ...(now ? { after: now } : {}),
    };
  }
  return null;
}
