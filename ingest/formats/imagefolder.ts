import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { AnyOf, type Draft, Fault } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { filesBelow } from '../read/files.ts';
import { splitOfPath } from '../splits.ts';
import { namesOf } from './class-names.ts';
import { whichClass } from './drawn.ts';
import { pictureName } from './pictures.ts';

/** What systems leave in folders of pictures. */
const leftovers = /^(?:thumbs\.db|desktop\.ini|ehthumbs\.db)$/i;
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

/** The files of a folder, and which of its folders hold pictures of a class. */
interface Found {
  paths: string[];
  classes: Set<string>;
}

/**
 * Files to read under a folder, sorted: pictures by their name, whatever their format, and every file that lies in a class folder:
 * nothing there is passed over in silence.
 */
async function filesUnder(folder: string): Promise<Found> {
  const all = (await filesBelow(folder)).filter((path) => !leftovers.test(basename(path)));
  const isPicture = (path: string) => pictureName.test(path);
  const classes = new Set(all.filter(isPicture).map((path) => classOf(folder, path)));
  classes.delete('');
  const paths = all.filter((path) => isPicture(path) || classes.has(classOf(folder, path)));
  classes.delete(background);
  return { paths, classes };
}

/** Whether a folder's images lie in two or more class folders. */
export async function isImageFolder(folder: string): Promise<boolean> {
  return (await filesUnder(folder)).classes.size >= 2;
}

/** The folder nearest to the image that names a class; '' where none does. Tiny ImageNet has images/ below each class. */
function classOf(folder: string, path: string): string {
  const parts = relative(folder, dirname(path)).split(sep);
  return parts.findLast((part) => !notAClass.has(part)) ?? '';
}

/** "apple_pie/1005649" of the image's path: how lists name it. */
const listed = (path: string) => path.split(sep).slice(-2).join('/').replace(pictureName, '');

/** Names in a list of images: lines of text, or an object of lists by class. */
function namesIn(text: string): string[] {
  if (!text.startsWith('{')) return text.split('\n').map((line) => line.trim());
  try {
    return Object.values(JSON.parse(text) as Record<string, unknown>)
      .flat()
      .map(String);
  } catch {
    return [];
  }
}

/** Which split lists of images put each one into, such as Food-101's meta/train.txt and train.json: "class/image". */
async function listedSplits(folders: readonly string[]): Promise<Map<string, string>> {
  const splits = new Map<string, string>();
  for (const folder of folders) {
    for (const split of ['train', 'val', 'test']) {
      for (const ending of ['json', 'txt']) {
        const text = await readFile(join(folder, 'meta', `${split}.${ending}`), 'utf8').catch(() => '');
        for (const name of namesIn(text)) splits.set(name.replace(pictureName, ''), split);
      }
    }
  }
  return splits;
}

/**
 * A folder of images by class (Mini-ImageNet, Caltech-101, Food-101, torchvision's ImageFolder): the class is that of the folder
 * nearest to the image.
 */
export async function* imageFolderRows(folder: string): AsyncGenerator<RawRow> {
  const { classes: folders, paths } = await filesUnder(folder);
  // Lists lie in the folder, or above the class folders in it.
  const above = new Set([folder, ...paths.flatMap((path) => [join(path, '../..'), join(path, '../../..')])]);
  const inside = [...above].filter((one) => !relative(folder, one).startsWith('..'));
  const nameOf = await namesOf(inside);
  const splits = await listedSplits(inside);
  const classes = [...new Set([...folders].map(nameOf))].sort();
  for (const [row, path] of paths.entries()) {
    const id = relative(folder, path);
    const split = splits.get(listed(path)) ?? splitOfPath(join(dirname(id), 'x'), true) ?? 'test';
    const own = classOf(folder, path);
    yield { file: path, row, values: { path, id, folder: own, name: nameOf(own), classes, split } };
  }
}

export function imageFolderSample(seed: number): (row: RawRow) => Draft {
  return ({ values }) => {
    const { classes, folder, id, name, path, split } = values as Record<
      'folder' | 'id' | 'name' | 'path' | 'split',
      string
    > & { classes: string[] };
    if (folder === background) throw new Fault('class', `the folder ${background} stands for no class`);
    if (name === '') throw new Fault('class', 'the image lies in no folder that names its class');
    return { ...whichClass({ id, image: new AnyOf([resolve(path)], id), name, classes }, seed), split };
  };
}
