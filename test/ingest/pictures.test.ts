import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ingest } from '../../ingest/index.ts';
import { imageProblem, readParquet } from '../../store/index.ts';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'pictures-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

const url = new URL('../fixtures/pictures/pillow.json', import.meta.url);
const box = (brand: string) =>
  Buffer.from(`\0\0\0\x1cftyp${brand}\0\0\0\0mif1${brand}miaf`.padEnd(80, '\0'), 'latin1');
const others: Record<string, [Uint8Array, RegExp]> = {
  'phone.heic': [box('heic'), /it is a HEIC picture; save it as PNG or JPEG/],
  'film.mp4': [box('isom').fill('isom', 16, 28), /a film or sound/],
  'scan.bmp': [Buffer.from('BM\x46\0\0\0\0\0\0\0\x36\0\0\0', 'latin1'), /it is a BMP picture/],
  'drawing.svg': [
    Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
    /an SVG picture/,
  ],
  'gone.jpg': [Buffer.from('<!DOCTYPE html><title>404</title>'), /it is a web page/],
  'large.jpg': [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS/],
  'paper.pdf': [Buffer.from('%PDF-1.7'), /a PDF document/],
  'empty.png': [new Uint8Array(0), /the image is empty/],
  'notes.jpg': [
    Buffer.from('some notes'),
    /no PNG, JPEG, WebP, GIF, TIFF or AVIF \(they begin with 736f6d65/,
  ],
};

it('takes every picture that Pillow and sharp open, and names the format of others', async () => {
  const cases = JSON.parse(await readFile(url, 'utf8')) as { name: string; file: string }[];
  const wanted = cases.map(({ name }) => name);
  const jpeg = Buffer.from(cases[0]!.file, 'base64');
  const cut = { 'cut.jpg': jpeg.subarray(0, -60), 'no end.jpg': jpeg.subarray(0, -2) };
  for (const { name, file } of cases) await writeFile(join(parent, name), Buffer.from(file, 'base64'));
  for (const [name, [bytes]] of Object.entries(others)) await writeFile(join(parent, name), bytes);
  for (const [name, bytes] of Object.entries(cut)) await writeFile(join(parent, name), bytes);
  const names = [...wanted, ...Object.keys(others), ...Object.keys(cut)];
  const rows = names.map((name, i) => ({
    id: name,
    question: `What is in picture ${i}?`,
    options: ['a', 'b'],
    answer: 'A',
    image: name,
    decides: 'both',
  }));
  // Inside the table, too.
  const written = cases.map(({ file, name }) => ({
    ...rows[0],
    id: `${name} written`,
    question: `And in ${name}?`,
    image: name.startsWith('tiff') ? `data:image/tiff;base64,${file}` : file,
  }));
  await writeFile(join(parent, 't.json'), JSON.stringify([...rows, ...written]));
  const result = await ingest([join(parent, 't.json')], join(parent, 'out'));
  const text = { kind: 'string' } as const;
  const columns = { row: { kind: 'int64' }, field: text, why: text } as const;
  const rejects = await readParquet(result.files.rejects, columns);
  expect(rejects.map(({ row }) => names[Number(row)])).toEqual(names.slice(wanted.length));
  for (const { field, row, why } of rejects) {
    expect(field).toBe('image');
    const [, message] = others[names[Number(row)]!] ?? [null, /cut short/];
    expect(why, names[Number(row)]).toMatch(message);
  }
  expect(result.samples).toBe(2 * wanted.length);
});

it('refuses pictures that claim too many pixels before they are unpacked', async () => {
  const cases = JSON.parse(await readFile(url, 'utf8')) as { name: string; file: string }[];
  const fileOf = (name: string) => Buffer.from(cases.find((one) => one.name === name)!.file, 'base64');
  const gif = fileOf('gif');
  gif.writeUInt16LE(60_000, 6);
  gif.writeUInt16LE(60_000, 8);
  const avif = fileOf('avif');
  avif.writeUInt32BE(60_000, avif.indexOf('ispe') + 8);
  avif.writeUInt32BE(60_000, avif.indexOf('ispe') + 12);
  const tiff = fileOf('tiff');
  const first = tiff.readUInt32LE(4);
  for (let i = 0; i < tiff.readUInt16LE(first); i++) {
    const entry = first + 2 + 12 * i;
    if (![256, 257].includes(tiff.readUInt16LE(entry))) continue;
    const short = tiff.readUInt16LE(entry + 2) === 3;
    if (short) tiff.writeUInt16LE(60_000, entry + 8);
    else tiff.writeUInt32LE(60_000, entry + 8);
  }
  for (const bytes of [gif, avif, tiff])
    expect(imageProblem(bytes)).toMatch(/60000 x 60000 pixels, more than 50/);
});
