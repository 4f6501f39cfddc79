import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { Random } from '../../random/index.ts';
import { type Draft, kinds } from '../draft.ts';
import type { RawRow } from '../raw.ts';

const imageName = /\.(png|jpe?g|webp)$/i;
/** Folders that stand for a split or for all images, not for a class. */
const notAClass = new Set([
  'train',
  'val',
  'valid',
  'validation',
  'test',
  'images',
  'image',
  '101_ObjectCategories',
]);
/** Caltech-101's folder of pictures that belong to no class. */
const background = 'BACKGROUND_Google';
const wrongOptions = 3;

/** Image files under a folder, sorted; a folder of Caltech-101's background pictures is left out. */
async function imagesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && imageName.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.split(sep).includes(background))
    .sort();
}

/** Whether a folder's images lie in two or more class folders. */
export async function isImageFolder(folder: string): Promise<boolean> {
  const classes = new Set((await imagesUnder(folder)).map((path) => classOf(folder, path)));
  classes.delete('');
  return classes.size >= 2;
}

/** The folder nearest to the image, where it names a class; '' where none does. */
function classOf(folder: string, path: string): string {
  const parent = basename(join(path, '..'));
  return path === join(folder, basename(path)) || notAClass.has(parent) ? '' : parent;
}

/** Class names for people: "apple_pie" reads "apple pie"; WordNet ids are looked up in a list such as ImageNet's. */
async function namesOf(folder: string): Promise<(name: string) => string> {
  const known = new Map<string, string>();
  for (const list of ['LOC_synset_mapping.txt', 'classes.txt', 'synset_words.txt', 'words.txt']) {
    const text = await readFile(join(folder, list), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const [, synset, names] = /^(n\d{8})[\s,:]+(.+)$/.exec(line.trim()) ?? [];
      if (synset && names) known.set(synset, (names.split(',')[0] as string).trim());
    }
  }
  return (name) => known.get(name) ?? name.replaceAll(/[_-]+/g, ' ').trim();
}

function splitOf(folder: string, path: string): string {
  return relative(folder, path).split(sep).includes('train') ? 'train' : 'test';
}

/**
 * A folder of images by class (Mini-ImageNet, Caltech-101, Food-101, torchvision's ImageFolder): "which of these is in the
 * picture?" with the right class and three drawn wrong ones, in a drawn order. Image-heavy.
 */
export async function* imageFolderRows(folder: string): AsyncGenerator<RawRow> {
  const paths = await imagesUnder(folder);
  const nameOf = await namesOf(folder);
  const classes = [...new Set(paths.map((path) => classOf(folder, path)))].filter(Boolean).map(nameOf).sort();
  for (const [row, path] of paths.entries()) {
    const name = nameOf(classOf(folder, path));
    yield {
      file: path,
      row,
      values: { path, id: relative(folder, path), name, classes, split: splitOf(folder, path) },
    };
  }
}

export function imageFolderSample(seed: number): (row: RawRow) => Draft {
  return ({ values }) => {
    const { classes, id, name, path, split } = values as Record<'id' | 'name' | 'path' | 'split', string> & {
      classes: string[];
    };
    const random = new Random(seed, 'ingest', 'imagefolder', id);
    const others = classes.filter((other) => other !== name);
    const wrong = random.sample(others, Math.min(wrongOptions, others.length));
    const options = random.shuffle([name, ...wrong]);
    return {
      id,
      taskKind: kinds.image,
      split,
      question: 'Which of these is in the picture?',
      options,
      answer: options.indexOf(name),
      image: path,
      source: id,
    };
  };
}
