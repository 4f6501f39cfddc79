import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { Fault } from './draft.ts';
import { Listing, Listings } from './listing.ts';
import { filesBelow } from './read/files.ts';

/** A file's bytes; null: there is none. A device or a pipe, which may never end, is no picture. @throws Fault where it cannot be read */
async function read(path: string): Promise<Uint8Array | null> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return null;
  return readFile(path).catch((cause) => {
    throw new Fault('image', `${path} ${whyUnreadable(cause)}`);
  });
}

/** A path as a table has it. */
interface Named {
  /** Its folders and its name, without a drive. */
  parts: string[];
  /** It begins at the root of a file system, of this machine or another. */
  isAbsolute: boolean;
  /** The path on this machine. */
  local: string;
}

/** Reads "C:\a\b.png", "\\nas\a\b.png", "file:///a/b.png" and paths of this machine. */
function parsed(text: string): Named {
  const [, url] = /^file:\/\/(?:localhost)?(\/.*)$/i.exec(text) ?? [];
  const path = (url === undefined ? text : safeDecoded(url)).replaceAll('\\', '/');
  const [, , rest = path] = /^(\/?[a-z]:)(\/.*)$/i.exec(path) ?? [];
  const parts = rest.split('/').filter((part) => part !== '' && part !== '.');
  return { parts, isAbsolute: rest.startsWith('/'), local: path };
}

function safeDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How many parts two paths share at their ends. */
function sharedEnd(one: readonly string[], other: readonly string[]): number {
  let count = 0;
  while (
    count < one.length &&
    one.at(-1 - count)?.normalize('NFC') === other.at(-1 - count)?.normalize('NFC')
  )
    count++;
  return count;
}

/** A picture's file that was found. */
export interface Found {
  bytes: Uint8Array;
  place: string;
}

/** @throws GuardError BadInput where there is no such folder */
export async function checkPictureFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) {
    await readdir(folder).catch((cause) => {
      throw new GuardError(ErrorCode.BadInput, `--images ${folder}: ${whyUnreadable(cause)}`, { cause });
    });
    return;
  }
  const what = found ? 'is a file; name the folder that it lies in' : 'there is no such folder';
  throw new GuardError(ErrorCode.BadInput, `--images ${folder}: ${what}`);
}

/** Looks pictures up that tables name by a path. */
export class Finder {
  private readonly folder: string | undefined;
  private readonly listings = new Listings();
  private below: Promise<Listing> | undefined;
  /** A picture was looked for. */
  asked = false;
  /** By file that was found by its name alone: who named it. */
  private readonly byName = new Map<string, string[]>();

  /** @param folder in which pictures are looked for first */
  constructor(folder: string | undefined) {
    this.folder = folder;
  }

  /**
   * The picture that `text` names in the table `file`: at its path; beside the table, in `images` there or one folder above, by its
   * whole path or without its first folder; in the folder of pictures by as much of the path's end as fits, at last by its name, in
   * whatever form of Unicode. Undefined: there is none. @throws Fault where several files have the name
   */
  async find(text: string, file: string): Promise<Found | undefined> {
    this.asked = true;
    const named = parsed(text);
    for (const place of this.places(named, file)) {
      const bytes = await read(place);
      if (bytes) return { bytes, place };
    }
    for (const place of this.places(named, file)) {
      const other = await this.otherForm(place);
      const bytes = other === undefined ? null : await read(other);
      if (other !== undefined && bytes) return { bytes, place: other };
    }
    return this.byItsName(named);
  }

  /** Where a picture was looked for, and names there that differ a little. */
  async missing(text: string, file: string): Promise<string> {
    const named = parsed(text);
    const places = this.places(named, file);
    const near = await this.nearly(places, named.parts.at(-1) ?? '');
    const shown = `there is no file ${places.slice(0, 4).join(' or ')}`;
    if (near !== undefined) return `${shown}; ${near}`;
    if (this.folder === undefined) return `${shown}; name its folder with --images`;
    return `${shown}, nor one of that name below ${this.folder}`;
  }

  private places({ isAbsolute, local, parts }: Named, file: string): string[] {
    const tails = parts.map((_, i) => parts.slice(i).join(sep));
    const under = (base: string, some: readonly string[]) => some.map((tail) => join(base, tail));
    const beside = [dirname(file), join(dirname(file), '..'), join(dirname(file), 'images')];
    // A path of another machine is known here by its end; beside a table its name alone may be another picture's.
    const likely = isAbsolute ? tails.slice(0, -1) : tails.slice(0, 2);
    const inFolder =
      this.folder === undefined ? [] : under(this.folder, isAbsolute ? tails.slice(0, -1) : likely);
    const here = isAbsolute && local.startsWith('/') ? [local] : [];
    return [...new Set([...here, ...inFolder, ...beside.flatMap((base) => under(base, likely))])];
  }

  /** A file whose path differs from `place` in its form of Unicode alone. */
  private async otherForm(place: string): Promise<string | undefined> {
    // Names of ASCII have one form.
    if (Buffer.byteLength(place) === place.length) return undefined;
    let path = place.startsWith(sep) ? sep : '.';
    for (const part of place.split(sep).filter(Boolean)) {
      if (part === '..') path = join(path, part);
      else {
        const [found] = (await this.listings.of(path)).named(part);
        if (found === undefined) return undefined;
        path = join(path, found);
      }
    }
    return path;
  }

  private async byItsName({ parts }: Named): Promise<Found | undefined> {
    const { folder } = this;
    const name = parts.at(-1);
    if (folder === undefined || name === undefined) return undefined;
    this.below ??= filesBelow(folder).then((paths) => new Listing(paths));
    const named = (await this.below).named(name);
    const ends = named.map((path) => sharedEnd(relative(folder, path).split(sep), parts));
    const best = Math.max(...ends);
    const fitting = named.filter((_, i) => ends[i] === best);
    const [place] = fitting;
    if (place === undefined) return undefined;
    if (fitting.length > 1) {
      const shown = fitting.slice(0, 3).map((path) => relative(folder, path));
      throw new Fault('image', `several files below --images have its name: ${shown.join(', ')}`);
    }
    if (best === 1) this.checkOwn(place, parts);
    const bytes = await read(place);
    return bytes ? { bytes, place } : undefined;
  }

  /** Two paths of one tree that end in one name are two pictures. @throws Fault where a file was found for another path of its tree */
  private checkOwn(place: string, parts: readonly string[]): void {
    const earlier = this.byName.get(place);
    if (!earlier) {
      this.byName.set(place, [...parts]);
      return;
    }
    const isSame = sharedEnd(earlier, parts) === Math.min(earlier.length, parts.length);
    if (isSame || earlier[0] !== parts[0]) return;
    const shown = basename(place);
    throw new Fault(
      'image',
      `"${shown}" below --images is the picture of an earlier row, ${earlier.join('/')}; keep the folders of the paths there`,
    );
  }

  private async nearly(places: readonly string[], name: string): Promise<string | undefined> {
    for (const folder of new Set(places.map((place) => dirname(place)))) {
      const near = (await this.listings.of(folder)).nearly(name);
      if (near !== undefined) return `${near}, in ${folder}`;
    }
    return (await this.below)?.nearly(name);
  }
}
