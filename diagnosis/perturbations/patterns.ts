import type { Random } from '../../random/index.ts';

const choice = /\{([^{}]+)\}/g;

/** A pattern with one of the alternatives put in place of every `{a|b|c}`. */
export function fill(pattern: string, random: Random): string {
  return pattern.replace(choice, (_, alternatives: string) => random.pick(alternatives.split('|')));
}

/** The `{}` of a hint replaced by an option. */
export function name(template: string, option: string): string {
  return template.replace('{}', () => option);
}

/** Every word and mark that a pattern can produce. */
export function patternWords(pattern: string): string[] {
  return pattern.match(/\w+|[^\w\s{}|]+/g) ?? [];
}
