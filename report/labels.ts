import { catalogue, controlNameOf, isControl, trainingPerturbations } from '../schemas/benchmark.ts';

const taskLabels: Record<string, string> = {
  image_heavy: 'Image-heavy tasks',
  text_heavy: 'Text-heavy tasks',
  vqa: 'Visual questions',
};

const taskNotes: Record<string, string> = {
  image_heavy: 'The image alone decides; the text beside it is tampered with.',
  text_heavy: 'The text alone decides; the image beside it is tampered with.',
  vqa: 'Both are needed; nothing is tampered with. Shows whether the ability is kept.',
};

const perturbationLabels: Record<string, string> = {
  origin: 'Unperturbed',
  unrelated_text: 'Unrelated facts',
  misleading_text: 'Misleading hint',
  misleading_text_unseen: 'Misleading hint, new words',
  ocr_text: 'OCR fragments',
  helpful_text: 'Right hint',
  full_black: 'Black image',
  full_white: 'White image',
  random_pixels: 'Noise image',
  switch: 'Photo of another sample',
  ui_screenshot: 'Screenshot',
  switch_target: 'Photo of a wrong option',
  image_unseen: 'Patterns and inverted images',
  image_removed: 'Without the image',
  text_removed: 'Without the question',
};

/** For use inside a sentence. */
const perturbationPhrases: Record<string, string> = {
  unrelated_text: 'unrelated facts',
  misleading_text: 'a misleading hint',
  misleading_text_unseen: 'a misleading hint in unfamiliar words',
  ocr_text: 'scraps of scanned text',
  full_black: 'a black image',
  full_white: 'a white image',
  random_pixels: 'an image of noise',
  switch: 'another sample’s photo',
  ui_screenshot: 'a screenshot',
  switch_target: 'the photo of a wrong option',
  image_unseen: 'an unfamiliar pattern',
};

const attackLabels: Record<string, string> = {
  strong: 'Strong attack',
  pgd: 'Weak attack (raw-gradient steps, as in training)',
  pgd_sign: 'Moderate attack (sign steps)',
  transfer: 'Examples made on the base',
  rg: 'Random control',
  pixels: 'Strong attack on the pixels',
  universal: 'One change for all (universal)',
  universal_pixels: 'One pattern for all (universal)',
  universal_text: 'The same words for all (universal)',
};

/** A name that is not in the tables is shown as it is, without underscores. */
const spoken = (name: string) => name.replaceAll('_', ' ');

export const taskLabel = (kind: string) => taskLabels[kind] ?? spoken(kind);
export const taskNote = (kind: string) => taskNotes[kind] ?? '';
export const perturbationLabel = (name: string) => perturbationLabels[name] ?? spoken(name);
export const perturbationPhrase = (name: string) => perturbationPhrases[name] ?? spoken(name);
export function attackLabel(name: string, steps?: number): string {
  const label = attackLabels[name] ?? spoken(name);
  return steps === undefined ? label : label.replace('(', `(${steps} `);
}

/** A label inside a sentence or a list: capitals that stand for a word stay. */
export const inside = (label: string) => label.replace(/^\p{Lu}(?!\p{Lu})/u, (first) => first.toLowerCase());

/** Of a scenario, which is named `<pack>/<scenario>`; '' for the catalogue's perturbations. */
export const packOf = (perturbation: string) => perturbation.split('/').slice(0, -1).join('/');

/** Whether training may have drawn from this perturbation. */
export function seenInTraining(kind: string, perturbation: string): boolean {
  const seen: Record<string, readonly string[]> = trainingPerturbations;
  return seen[kind]?.includes(perturbation) ?? false;
}

/** A number of points or percent with one decimal and a true minus sign. */
export const decimal = (value: number, digits = 1) => value.toFixed(digits).replace('-', '\u2212');
/** A share as "91.2 %"; the space does not break. */
/** What neutral text of the same length does beside a perturbation, for the end of a sentence on what that cuts accuracy to. */
export const besideNeutral = (
  base: Readonly<Record<string, { accuracy: number | null }>>,
  condition: string,
): string => {
  const accuracy = base[controlNameOf(condition)]?.accuracy;
  return typeof accuracy === 'number' ? `, neutral text of the same length to ${percent(accuracy)}` : '';
};

export const percent = (share: number, digits = 1) => `${decimal(share * 100, digits)}\u00a0%`;
/** An interval of a share: "95 %: 83.9 to 89.2 %". */
export const intervalOf = ([low, high]: readonly [number, number]) =>
  `95\u00a0%: ${decimal(low * 100)} to ${percent(high)}`;
/** A difference of shares as "+3.1" or "−0.4" points. */
export function signedPoints(difference: number): string {
  const text = decimal(difference * 100);
  if (text === '0.0' || text === '\u22120.0') return '0.0';
  return difference > 0 ? `+${text}` : text;
}

export function probability(p: number): string {
  return p < 0.0001 ? '<\u00a00.0001' : p.toFixed(4);
}

/** A number with at most `digits` significant digits, without a trailing ".0". */
export const short = (value: number, digits = 2) => String(Number(value.toPrecision(digits)));

export function duration(seconds: number): string {
  if (seconds < 60) return `${decimal(seconds, seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Enough of a digest to tell models apart by eye; the record has all of it. */
export const shortDigest = (digest: string) => (digest.length > 28 ? `${digest.slice(0, 23)}…` : digest);

export function byteSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = bytes < 1 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : decimal(bytes / 1000 ** power)}\u00a0${units[power]}`;
}

const order = (list: readonly string[], name: string) => {
  const position = list.indexOf(name);
  return position < 0 ? list.length : position;
};

export interface Condition {
  key: string;
  kind: string;
  perturbation: string;
}

/** "<task kind>/<perturbation>" taken apart. */
export function conditionParts(key: string): Condition {
  const [kind = key, ...name] = key.split('/');
  return { key, kind, perturbation: name.join('/') || 'origin' };
}

/** A condition for people: "Image-heavy tasks, misleading hint". */
export function conditionLabel(key: string): string {
  const { kind, perturbation } = conditionParts(key);
  return `${taskLabel(kind)}, ${inside(perturbationLabel(perturbation))}`;
}

/**
 * The conditions of `keys` ("<task kind>/<perturbation>") in the order of the schema. Neutral controls are none of their own: what they tell
 * stands at the condition beside which they were measured.
 */
export function sortedConditions(keys: Iterable<string>): Condition[] {
  const kinds = Object.keys(taskLabels);
  const conditions = [...keys].filter((key) => !isControl(key)).map(conditionParts);
  return conditions.sort(
    (a, b) =>
      order(kinds, a.kind) - order(kinds, b.kind) ||
      order(catalogue, a.perturbation) - order(catalogue, b.perturbation),
  );
}
