import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imagenetNamesFile } from '../../data/folder.ts';
import { readable } from './drawn.ts';

const synsetLists = ['LOC_synset_mapping.txt', 'classes.txt', 'synset_words.txt', 'words.txt'];

const linesIn = async (path: string) =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').map((line) => line.trim());

const synset = /^n\d{8}$/;

/**
 * Class names for people: "apple_pie" reads "apple pie"; WordNet ids are looked up in a list such as ImageNet's in one of the
 * folders, then among ImageNet's 1,000 classes.
 */
export async function namesOf(folders: readonly string[]): Promise<(name: string) => string> {
  const known = new Map<string, string>();
  const lists = folders.flatMap((folder) => synsetLists.map((list) => join(folder, list)));
  for (const list of [...lists, imagenetNamesFile()]) {
    for (const line of await linesIn(list)) {
      const [, id, names] = /^(n\d{8})[\s,:]+(.+)$/.exec(line) ?? [];
      if (id && names && !known.has(id)) known.set(id, (names.split(',')[0] as string).trim());
    }
  }
  return (name) => (synset.test(name) ? known.get(name) : undefined) ?? readable(name.normalize('NFC'));
}

/** The names of numbered classes, one a line in `classes.txt` or `labels.txt` of one of the folders. */
export async function numberedNames(folders: readonly string[]): Promise<string[] | undefined> {
  for (const folder of folders) {
    for (const list of ['classes.txt', 'labels.txt']) {
      const names = (await linesIn(join(folder, list))).filter(Boolean);
      if (names.length > 0) return names;
    }
  }
  return undefined;
}
