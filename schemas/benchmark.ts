import { z } from 'zod';
import { ErrorCode, GuardError } from './errors.ts';
import { nearestKey } from './nearest-key.ts';

export const TaskKind = { ImageHeavy: 'image_heavy', TextHeavy: 'text_heavy', Vqa: 'vqa' } as const;
export type TaskKind = (typeof TaskKind)[keyof typeof TaskKind];
export const taskKinds = Object.values(TaskKind);

export const Split = { Train: 'train', Test: 'test', Heldout: 'heldout' } as const;
export type Split = (typeof Split)[keyof typeof Split];
export const splits = Object.values(Split);

/** Letters that stand before the options, in order. */
export const optionLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Interventions on the irrelevant modality. `origin` is none. */
export const textPerturbations = [
  'unrelated_text',
  'misleading_text',
  'misleading_text_unseen',
  'ocr_text',
  'helpful_text',
  'long_text',
  'rare_words',
] as const;
export const imagePerturbations = [
  'full_black',
  'full_white',
  'random_pixels',
  'switch',
  'ui_screenshot',
  'switch_target',
  'image_unseen',
] as const;
/** The modality that decides taken away, of image-heavy and of text-heavy tasks: does the model guess? */
export const removals = ['image_removed', 'text_removed'] as const;
/** The catalogue of the method; scenario packs add names of their own, "<pack>/<scenario>". */
export const catalogue = ['origin', ...textPerturbations, ...imagePerturbations, ...removals] as const;
export type CatalogueName = (typeof catalogue)[number];

const scenarioName = /^[a-z0-9][\w-]*\/[a-z0-9][\w-]*$/;

/** Where a text stands: before the question, between it and its options, or after the options. */
export const textPositions = ['before', 'inside', 'after'] as const;
export type TextPosition = (typeof textPositions)[number];

/** A name of the catalogue, or a scenario of a pack. */
export const PerturbationName = z.string().refine(isPerturbationName, {
  error: ({ input }) => {
    const near = nearestKey(String(input), catalogue);
    const meant = near ? ` (did you mean "${near}"?)` : '';
    return `expected one of ${catalogue.join(', ')}, or a scenario as "<pack>/<scenario>", found "${input}"${meant}`;
  },
});
export type PerturbationName = z.infer<typeof PerturbationName>;

export function isPerturbationName(name: string): boolean {
  const known: readonly string[] = catalogue;
  return known.includes(name) || scenarioName.test(name) || isCatalogueControl(name);
}

/** Beside a text perturbation "x" stands "x_control": a neutral text of the same length in the same place. */
const controlSuffix = '_control';
export const controlNameOf = (perturbation: PerturbationName): PerturbationName =>
  `${perturbation}${controlSuffix}`;

/** Scenarios of packs must not have such names. */
export function isControl(name: PerturbationName): boolean {
  return name.endsWith(controlSuffix);
}

/** The perturbation that a control, or "<task kind>/<control>", stands beside. */
export const controlledBy = (control: string): string => control.slice(0, -controlSuffix.length);

function isCatalogueControl(name: string): boolean {
  return isControl(name) && (textPerturbations as readonly string[]).includes(controlledBy(name));
}

/** Those of the catalogue that point to the right option; scenarios of packs may do so too. */
const catalogueRightHints: readonly PerturbationName[] = ['helpful_text'];

/** Perturbations that point to the right option: those of the catalogue, and those that were `found` to. */
export function withRightHints(found: Iterable<PerturbationName> = []): ReadonlySet<PerturbationName> {
  return new Set([...catalogueRightHints, ...found]);
}

/** A right hint is no interference, nor is a neutral control, nor what takes the deciding modality away, nor no perturbation at all. */
export function isInterference(
  perturbation: PerturbationName,
  rightHints: ReadonlySet<PerturbationName>,
): boolean {
  if (perturbation === 'origin' || rightHints.has(perturbation) || isControl(perturbation)) return false;
  return !(removals as readonly string[]).includes(perturbation);
}

/** Perturbations that robust training may draw from; the others are kept for the diagnosis alone. */
export const trainingPerturbations = {
  image_heavy: ['unrelated_text', 'misleading_text'],
  text_heavy: ['full_black', 'full_white', 'random_pixels', 'switch'],
} as const satisfies Record<'image_heavy' | 'text_heavy', readonly PerturbationName[]>;

/** As Hugging Face datasets store an image: the encoded file and, where known, its name. */
export interface EncodedImage {
  bytes: Uint8Array;
  path: string | null;
}

/** One multiple-choice question. The Parquet columns have these names (`image` is struct<bytes, path>). */
export interface Sample {
  id: string;
  taskKind: TaskKind;
  split: Split;
  question: string;
  options: string[];
  /** Index into `options`; null: nobody has said, and only changes of the answer can be measured. */
  answer: number | null;
  /** Text that stands before the question and that the answer must not depend on; null: none. */
  context: string | null;
  /** Such text between the question and its options; absent: none. */
  inside?: string;
  /** Such text behind the options; absent: none. */
  after?: string;
  image: EncodedImage | null;
  /** The source item (photo, noun): samples that share one are not independent. */
  source: string;
  /** The team's own task that the sample belongs to; absent: its kind is its task. */
  task?: string;
  /** Further columns of the team's data, for the slots of scenarios. */
  fields?: Record<string, string>;
}

/** The texts that stand beside the question, in their order. */
export function textsBeside({
  after,
  context,
  inside,
}: Pick<Sample, 'context' | 'inside' | 'after'>): string[] {
  return [context, inside, after].filter((text) => typeof text === 'string' && text !== '') as string[];
}

/** The answer of a sample that needs one. Throws GuardError BAD_INPUT naming the sample. */
export function labelOf({ id, answer }: Pick<Sample, 'id' | 'answer'>): number {
  if (answer !== null) return answer;
  throw new GuardError(
    ErrorCode.BadInput,
    `sample '${id}' has no answer, and training and attacks need one: label it or leave it out`,
  );
}

/** A sample under one perturbation. `id` stays the clean sample's id. */
export interface PerturbedSample extends Sample {
  perturbation: PerturbationName;
  /** Details of what was done: template, hinted option, noise kind. Empty for `origin`. */
  variant: string;
  /** Index of the wrong (or, for `helpful_text`, right) option that the perturbation points to; null: none. */
  hinted: number | null;
  /** Of a text: the family of its template, and where it stands. */
  family?: string;
  position?: TextPosition;
}

/** Why a question has no answer. */
export const unansweredOutcomes = [
  'unread',
  'refused',
  'filtered',
  'cut_off',
  'empty',
  'impossible',
] as const;
/**
 * `answered`: an option was read. `unread`: the text names none, or several. `refused`: the model declined. `filtered`: a content
 * filter withheld question or answer. `cut_off`: the answer ended at its longest length before it named an option. `empty`: nothing
 * was said. `impossible`: the server or the model cannot take this sample, as it is too long or its picture cannot be used.
 */
export const Outcome = z.enum(['answered', ...unansweredOutcomes]);
export type Outcome = z.infer<typeof Outcome>;
export type Unanswered = Exclude<Outcome, 'answered'>;

/** What the model said about one perturbed sample. */
export interface Prediction {
  id: string;
  taskKind: TaskKind;
  perturbation: PerturbationName;
  answer: number | null;
  /** Null where the question was not answered: no option is drawn in its place. */
  predicted: number | null;
  /** Probabilities over the sample's options, after a softmax over the option letters alone; empty without an answer. */
  probabilities: number[];
  /** Absent: answered. */
  outcome?: Outcome;
}

/** A prediction that names an option. */
export type Answered = Prediction & { predicted: number };

export const isAnswered = (prediction: Prediction): prediction is Answered => prediction.predicted !== null;
