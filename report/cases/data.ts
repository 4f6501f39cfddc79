import { optionLetters } from '../../schemas/benchmark.ts';
import type { CaseAnswer, CaseFailure, CasePair, FailingCase } from '../../schemas/case.ts';
import { type Html, unescaped, visible } from '../html.ts';
import { inside, perturbationLabel, taskLabel } from '../labels.ts';

interface PagePair {
  clean: number | null;
  perturbed: number | null;
  cleanShares: number[];
  perturbedShares: number[];
  /** Why the perturbed question has no answer; '' where it has one. */
  why: string;
  failure: CaseFailure | null;
}

/** Texts in their places; '' where there is none. */
interface PageTexts {
  before: string;
  inside: string;
  after: string;
}

/** A case as the page's script shows it: words in place of names, and numbers of pictures. */
export interface PageCase {
  id: string;
  task: string;
  kind: string;
  condition: string;
  template: string;
  question: string;
  options: string[];
  letters: string;
  answer: number | null;
  hinted: number | null;
  clean: PageTexts;
  perturbed: PageTexts;
  before: PagePair;
  after: PagePair | null;
  /** Whether a picture belongs to it, and its place among the page's; null: none, or it is not there. */
  hasPicture: { clean: boolean; perturbed: boolean };
  pictures: { clean: number | null; perturbed: number | null };
}

/** What of the cases a page holds. */
export interface PageCases {
  cases: PageCase[];
  /** Data URIs, each picture once. */
  pictures: string[];
  /** Of all cases, those left out included. */
  total: number;
  /** Cases on the page that lack a picture. */
  withoutPicture: number;
  /** Names of the tables beside the page that list all. */
  files: string[];
}

const whyNot: Record<Exclude<CaseAnswer['outcome'], 'answered'>, string> = {
  unread: 'the text names no option, or several',
  refused: 'declined by the model',
  filtered: 'withheld by a content filter',
  cut_off: 'ended before an option was named',
  empty: 'answered with nothing',
  impossible: 'not taken by the model or its server',
};

const rounded = ({ probabilities }: CaseAnswer) =>
  probabilities.map((share) => Math.round(share * 1000) / 1000);

function pairOf({ clean, failure, perturbed }: CasePair): PagePair {
  return {
    clean: clean.predicted,
    perturbed: perturbed.predicted,
    cleanShares: rounded(clean),
    perturbedShares: rounded(perturbed),
    why: perturbed.outcome === 'answered' ? '' : whyNot[perturbed.outcome],
    failure,
  };
}

const textsOf = ({ after, context, inside: within }: FailingCase['texts']['clean']): PageTexts => ({
  before: context ?? '',
  inside: within ?? '',
  after: after ?? '',
});

export function pageCase(one: FailingCase, pictures: PageCase['pictures']): PageCase {
  const { after, answer, before, hinted, id, images, options, question, task, taskKind, template, texts } =
    one;
  return {
    ...{ id, question, options, answer, hinted, template, pictures },
    task: task ?? '',
    kind: taskLabel(taskKind),
    condition: `${taskLabel(taskKind)}: ${inside(perturbationLabel(one.perturbation))}`,
    letters: optionLetters.slice(0, options.length),
    clean: textsOf(texts.clean),
    perturbed: textsOf(texts.perturbed),
    before: pairOf(before),
    after: after && pairOf(after),
    hasPicture: { clean: images.clean !== null, perturbed: images.perturbed !== null },
  };
}

/** Data for the page's script. No character of it can end the element, nor hide or reorder what is shown. */
export function dataElement(id: string, data: unknown): Html {
  const text = JSON.stringify(data, (_, value) => (typeof value === 'string' ? visible(value) : value));
  const inert = text.replaceAll(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return unescaped(`<script type="application/json" id="${id}">${inert}</script>`);
}
