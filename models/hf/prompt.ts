import { optionLetters } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Family } from './family.ts';
import { chatTemplateOf, rendered, type Template, usable } from './template.ts';
import type { FolderTokenizer } from './tokenizer.ts';

/** Token ids of a prompt. */
export interface PromptTokens {
  ids: Int32Array;
  /** Tokens up to the end of what stands for the picture: equal for every question about it. 0 without a picture. */
  prefix: number;
}

/** Writes prompts in the model's chat form and knows which tokens answer. */
export class Prompter {
  /** Token ids of A, B, C, … as the model's next token. */
  readonly letters: readonly number[];
  private readonly tokenizer: FolderTokenizer;
  private readonly family: Family;
  private readonly template: Template | undefined;
  private readonly expansions = new Map<string, number[]>();

  private constructor(tokenizer: FolderTokenizer, family: Family, template: Template | undefined) {
    this.tokenizer = tokenizer;
    this.family = family;
    this.template = template;
    this.letters = this.letterIds();
  }

  /** Throws GuardError BAD_MODEL, naming the folder, where the option letters are no tokens of the model. */
  static async open(
    folder: string,
    tokenizer: FolderTokenizer,
    family: Family,
    processorConfig: Record<string, unknown> = {},
  ): Promise<Prompter> {
    const text = await chatTemplateOf(folder, tokenizer, processorConfig);
    try {
      return new Prompter(tokenizer, family, usable(text, tokenizer, family));
    } catch (cause) {
      throw new GuardError(ErrorCode.BadModel, `${folder}: ${(cause as Error).message}`, { cause });
    }
  }

  /** The whole prompt as text, the picture's place held by the family's marker. */
  render(text: string, withImage: boolean): string {
    const { family, template, tokenizer } = this;
    if (template === undefined) return family.prompt(text, withImage);
    return rendered(tokenizer, template, family, { text, withImage });
  }

  /** How often a prompt beside a picture holds the token that stands for it. */
  marks(): number {
    return this.tokens(this.render('?', true)).filter((id) => id === this.family.imageToken).length;
  }

  /** Tokens of a question, beside a picture of `slots` features. */
  encode(text: string, image: { slots: number; layout: readonly number[] } | null): PromptTokens {
    return this.encodePrompt(this.render(text, image !== null), image);
  }

  /** Tokens of a rendered prompt. */
  encodePrompt(prompt: string, image: { slots: number; layout: readonly number[] } | null): PromptTokens {
    const { imageToken } = this.family;
    const ids = this.tokens(prompt);
    if (!image) return { ids: Int32Array.from(ids), prefix: 0 };
    const at = ids.indexOf(imageToken);
    const expansion = this.expansion(image.slots, image.layout);
    return {
      ids: Int32Array.from([...ids.slice(0, at), ...expansion, ...ids.slice(at + 1)]),
      prefix: at + expansion.length,
    };
  }

  private expansion(slots: number, layout: readonly number[]): number[] {
    const key = `${slots}:${layout}`;
    let ids = this.expansions.get(key);
    if (!ids) {
      ids = this.tokenizer.encode(this.family.expand(slots, layout), { special: false });
      this.expansions.set(key, ids);
    }
    return ids;
  }

  /** The tokenizer adds its first token itself unless the prompt brings it. */
  private tokens(prompt: string): number[] {
    const { family, tokenizer } = this;
    if (family.leads && prompt.startsWith(family.marker)) {
      return [family.imageToken, ...this.tokens(prompt.slice(family.marker.length))];
    }
    const { first } = tokenizer;
    return tokenizer.encode(prompt, { special: first === null || !prompt.startsWith(first) });
  }

  /**
   * After `ASSISTANT:` a model writes ` A`, after a line break `A`: whichever the tokenizer makes one token of behind
   * the prompt's own, the form that fits the prompt's end first.
   */
  private letterIds(): number[] {
    const prompt = this.render('Question:\n?\nOption:\nA: a\nB: b', false);
    const before = this.tokens(prompt);
    const forms = /\s$/.test(prompt) ? ['', ' '] : [' ', ''];
    for (const form of forms) {
      const ids = [...optionLetters].map((letter) => {
        const after = this.tokens(`${prompt}${form}${letter}`);
        return after.length === before.length + 1 && before.every((id, i) => id === after[i])
          ? after.at(-1)
          : undefined;
      });
      if (!ids.includes(undefined) && new Set(ids).size === ids.length) return ids as number[];
    }
    throw new Error('the tokenizer makes no single tokens of the option letters A to Z after the prompt');
  }
}
