import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';
import { decodeText, readRegular } from '../json.ts';
import type { Family } from './family.ts';
import { optionalJson } from './files.ts';
import type { FolderTokenizer } from './tokenizer.ts';

/** A chat template, and how it takes a turn: in parts, or, older ones and those of language models, as one text. */
export interface Template {
  text: string;
  turn: 'parts' | 'text';
}

interface Turn {
  text: string;
  withImage: boolean;
}

/** The prompt of one turn. Throws what the template throws. */
export function rendered(
  tokenizer: FolderTokenizer,
  template: Template,
  { marker, turn = (text) => `${marker}\n${text}` }: Pick<Family, 'marker' | 'turn'>,
  { text, withImage }: Turn,
): string {
  const parts = [...(withImage ? [{ type: 'image' }] : []), { type: 'text', text }];
  const content = template.turn === 'parts' ? parts : withImage ? turn(text) : text;
  return tokenizer.render(template.text, [{ role: 'user', content }]);
}

const probe = 'Question?';

/** The template, if it places a picture and a text once each in one of the ways; undefined: it does not. */
export function usable(
  text: string | undefined,
  tokenizer: FolderTokenizer,
  family: Family,
): Template | undefined {
  if (text === undefined) return undefined;
  const fits = (template: Template) => {
    try {
      const of = (withImage: boolean) => rendered(tokenizer, template, family, { text: probe, withImage });
      const count = (whole: string, part: string) => whole.split(part).length - 1;
      const beside = of(true);
      return (
        count(beside, family.marker) === 1 && count(beside, probe) === 1 && count(of(false), probe) === 1
      );
    } catch {
      // Templates refuse forms that they do not know, each in its own words.
      return false;
    }
  };
  return (['parts', 'text'] as const).map((turn) => ({ text, turn })).find(fits);
}

/** The text of a file; undefined: there is none. Throws GuardError BAD_MODEL where it is there and cannot be read. */
async function textIn(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  try {
    return decodeText(await readRegular(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GuardError(ErrorCode.BadModel, `${path}: this file of the model ${whyUnreadable(cause)}`, {
      cause,
    });
  }
}

/** One template of several by name is the default one. */
function oneOf(written: unknown): string | undefined {
  if (typeof written === 'string') return written;
  if (Array.isArray(written)) {
    const named = written.find((each) => each?.name === 'default') ?? written[0];
    return oneOf(named?.template);
  }
  return typeof written === 'object' && written !== null
    ? oneOf((written as Record<string, unknown>).default)
    : undefined;
}

/**
 * The folder's chat template: that of the processor (chat_template.jinja, chat_template.json, processor_config.json), else the
 * tokenizer's. Throws GuardError BAD_MODEL naming a file that is not JSON.
 */
export async function chatTemplateOf(
  folder: string,
  tokenizer: FolderTokenizer,
  processorConfig: Record<string, unknown>,
): Promise<string | undefined> {
  const beside = await optionalJson(join(folder, 'chat_template.json'));
  const more = join(folder, 'additional_chat_templates');
  const names = await readdir(more).catch((): string[] => []);
  return (
    (await textIn(folder, 'chat_template.jinja')) ??
    oneOf(beside?.chat_template) ??
    oneOf(processorConfig.chat_template) ??
    oneOf(tokenizer.chatTemplate) ??
    (names.includes('default.jinja') ? await textIn(more, 'default.jinja') : undefined)
  );
}
