import type { Random } from '../../random/index.ts';
import type { Sample } from '../../schemas/benchmark.ts';
import { type List, templatesOf } from '../../schemas/scenario.ts';
import { withArticle } from './article.ts';

/** What the slots of a template are filled from. */
export interface SlotSource {
  sample: Sample;
  lists: Readonly<Record<string, List>>;
  /** Place of the option that is pointed to; null: none. */
  hinted: number | null;
  random: Random;
}

const slot = /\{([^{}]*)\}/g;
const day = 86_400_000;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Thrown where a sample lacks a field: the scenario does not fit it. */
export class MissingField extends Error {}

function drawn(inside: string, { hinted, lists, random, sample }: SlotSource): string {
  if (inside.includes('|')) return random.pick(inside.split('|'));
  const [kind = '', rest = ''] = inside.split(/:(.*)/s);
  switch (kind) {
    case '':
    case 'option':
      return sample.options[hinted!]!;
    case 'a option':
      return withArticle(sample.options[hinted!]!, sample.options);
    case 'letter':
      return alphabet[hinted!]!;
    case 'question':
      return sample.question;
    case 'random_letter':
      return random.pick([...alphabet]);
    case 'field': {
      const value = sample.fields && Object.hasOwn(sample.fields, rest) ? sample.fields[rest] : undefined;
      if (value === undefined) throw new MissingField(rest);
      return value;
    }
    case 'list':
      return fill(random.pick(templatesOf(lists[rest]!)), { hinted, lists, random, sample });
    case 'number': {
      const [from, to] = rest.split('..').map(Number) as [number, number];
      return String(from + random.int(to - from + 1));
    }
    default: {
      const [from, to] = rest.split('..').map((end) => Date.parse(end) / day) as [number, number];
      return new Date((from + random.int(to - from + 1)) * day).toISOString().slice(0, 10);
    }
  }
}

/** A template with every slot filled, from the left to the right. @throws MissingField */
export function fill(template: string, source: SlotSource): string {
  return template.replace(slot, (_, inside: string) => drawn(inside, source));
}

const beginsWithOption = /^\{(?:a option\}|(?:option)?\}.*[.!?]["”’]?$)/s;

/** As `fill`; a sentence that begins with an option begins with a capital letter. @throws MissingField */
export function fillSentence(template: string, source: SlotSource): string {
  const text = fill(template, source);
  if (!beginsWithOption.test(template)) return text;
  // What stands in quotation marks begins as it stands.
  return text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}

/** Names of the fields that a template asks for, by its lists too. */
export function fieldsAsked(template: string, lists: SlotSource['lists']): string[] {
  return [...template.matchAll(slot)].flatMap(([, inside = '']) => {
    const [kind, name = ''] = inside.includes('|') ? [] : inside.split(/:(.*)/s);
    if (kind === 'field') return [name];
    return kind === 'list' ? templatesOf(lists[name]!).flatMap((one) => fieldsAsked(one, lists)) : [];
  });
}

/** Every word and mark that a template without sampled values can produce. */
export function templateWords(template: string): string[] {
  return template.match(/\w+|[^\w\s{}|]+/g) ?? [];
}
