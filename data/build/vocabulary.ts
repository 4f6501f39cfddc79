import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogueTexts, templateWords } from '../../diagnosis/perturbations/index.ts';
import { renderForMini } from '../../models/index.ts';
import { type NounEntry, shippedNouns } from './nouns.ts';
import {
  captionStarts,
  categories,
  categoryQuestion,
  clothing,
  clothingCategory,
  cornerQuestion,
  factStart,
  itemQuestion,
  letters,
  questionPrompt,
} from './words.ts';

export const padToken = '<pad>';
export const unknownToken = '<unk>';
export const imageToken = '<image>';
const specialTokens = [padToken, unknownToken, imageToken];

/** Words and marks as the pre-tokenizer `Whitespace` cuts them. */
export function words(text: string): string[] {
  return text.match(/\w+|[^\w\s]+/g) ?? [];
}

/** All tokens; the position is the id. Special tokens first, then the prompts' words, the nouns, the perturbations' words. */
export function vocabulary(nouns: readonly NounEntry[] = shippedNouns()): string[] {
  const templates = [
    questionPrompt(itemQuestion, letters),
    ...[0, 1, 2, 3].map(cornerQuestion),
    categoryQuestion(clothingCategory),
    factStart(''),
    ...captionStarts,
    'a an .',
  ];
  const all = [
    ...specialTokens,
    ...letters,
    ...templates.flatMap(words),
    ...Object.keys(categories),
    clothingCategory,
    ...clothing,
    ...nouns.map((entry) => entry.noun),
    ...catalogueTexts().flatMap((text) => templateWords(renderForMini(text))),
  ];
  return [...new Set(all)];
}

function tokenizerJson(tokens: readonly string[]): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      unk_token: unknownToken,
    },
  };
}

const tokenizerConfig = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: 192,
  padding_side: 'left',
  pad_token: padToken,
  unk_token: unknownToken,
  additional_special_tokens: [imageToken],
  clean_up_tokenization_spaces: false,
};

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(`${file}.tmp`, `${JSON.stringify(value, null, 1)}\n`);
  await rename(`${file}.tmp`, file);
}

/** Writes tokenizer.json and tokenizer_config.json in the Hugging Face format into `folder`. */
export async function writeTokenizer(
  folder: string,
  tokens: readonly string[] = vocabulary(),
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeJson(join(folder, 'tokenizer.json'), tokenizerJson(tokens));
  await writeJson(join(folder, 'tokenizer_config.json'), tokenizerConfig);
}
