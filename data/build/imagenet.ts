/**
 * Names of ImageNet's 1,000 classes, for data/imagenet-names.tsv: `node dist/data/build/imagenet.js <folder of WordNet 3.0> <file of
 * ids, such as n01440764, one a line>` writes them to stdout.
 */
import { readFile } from 'node:fs/promises';
import { readWordNet } from './wordnet.ts';

const [folder, idFile] = process.argv.slice(2);
if (folder === undefined || idFile === undefined) throw new Error('expected a folder and a file');
const ids = (await readFile(idFile, 'utf8')).split(/\s+/).filter(Boolean).sort();
const { synsets } = await readWordNet(folder);
const readable = (word: string) => word.replaceAll('_', ' ');
const first = (id: string) => readable(synsets.get(id.slice(1))?.words[0] ?? id);
const uses = new Map<string, number>();
for (const id of ids) uses.set(first(id), (uses.get(first(id)) ?? 0) + 1);
for (const id of ids) {
  const synset = synsets.get(id.slice(1));
  if (!synset) throw new Error(`${id}: there is no such noun`);
  const name = first(id);
  // Two classes may have one word, the crane that flies and the one that lifts: another of its words, or what kind of thing it is.
  const shared = (uses.get(name) ?? 0) > 1;
  const other = synset.words.map(readable).find((word) => !uses.has(word));
  process.stdout.write(
    `${id}\t${shared ? (other ?? `${name} (${synset.file.replace('noun.', '')})`) : name}\n`,
  );
}
