import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { AnyOf, type Draft, Fault } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { filesBelow } from '../read/files.ts';
import { splitOfPath } from '../splits.ts';
import { namesOf } from './class-names.ts';
import { whichClass } from './drawn.ts';

/** Also of formats that are refused: a picture is never passed over in silence. */
const imageName = /\.(png|jpe?g|webp|bmp|gif|tiff?)$/i;
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

/** Image files under a folder, sorted; a folder of Caltech-101's background pictures is left out. */
async function imagesUnder(folder: string): Promise<string[]> {
  const paths = (await filesBelow(folder)).filter((path) => imageName.test(path));
  return paths.filter((path) => !relative(folder, path).split(sep).includes(background));
}

/** Whether a folder's images lie in two or more class folders. */
export async function isImageFolder(folder: string): Promise<boolean> {
  const classes = new Set((await imagesUnder(folder)).map((path) => classOf(folder, path)));
  classes.delete('');
  return classes.size >= 2;
}

/** The folder nearest to the image that names a class; '' where none does. Tiny ImageNet has images/ below each class. */
function classOf(folder: string, path: string): string {
  const parts = relative(folder, dirname(path)).split(sep);
  return parts.findLast((part) => !notAClass.has(part)) ?? '';
}

/** "apple_pie/1005649" of the image's path: how lists name it. */
const listed = (path: string) => path.split(sep).slice(-2).join('/').replace(imageName, '');

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
        for (const name of namesIn(text)) splits.set(name.replace(imageName, ''), split);
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
  const paths = await imagesUnder(folder);
  // Lists lie in the folder, or above the class folders in it.
  const above = new Set([folder, ...paths.flatMap((path) => [join(path, '../..'), join(path, '../../..')])]);
  const inside = [...above].filter((one) => !relative(folder, one).startsWith('..'));
  const nameOf = await namesOf(inside);
  const splits = await listedSplits(inside);
  const folders = new Set(paths.map((path) => classOf(folder, path)).filter(Boolean));
  const classes = [...new Set([...folders].map(nameOf))].sort();
  for (const [row, path] of paths.entries()) {
    const id = relative(folder, path);
    const split = splits.get(listed(path)) ?? splitOfPath(join(dirname(id), 'x'), true) ?? 'test';
    yield { file: path, row, values: { path, id, name: nameOf(classOf(folder, path)), classes, split } };
  }
}

export function imageFolderSample(seed: number): (row: RawRow) => Draft {
  return ({ values }) => {
    const { classes, id, name, path, split } = values as Record<'id' | 'name' | 'path' | 'split', string> & {
      classes: string[];
    };
    if (name === '') throw new Fault('class', 'the image lies in no folder that names its class');
    return { ...whichClass({ id, image: new AnyOf([resolve(path)], id), name, classes }, seed), split };
  };
}
