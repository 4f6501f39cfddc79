import { setImmediate } from 'node:timers/promises';
import { thumbnail } from '../pictures/index.ts';
import type { PageCases } from '../report/index.ts';
import { pageCase } from '../report/index.ts';
import type { EncodedImage } from '../schemas/benchmark.ts';
import type { FailingCase } from '../schemas/case.ts';
import { digestOfBytes } from '../store/index.ts';

/** Most bytes of a page's cases, pictures included, and of their texts among them. */
const budget = { all: 20_000_000, texts: 12_000_000 } as const;

/** Pictures of a page, each once, as data URIs. */
class Pictures {
  readonly all: string[] = [];
  private readonly places = new Map<string, number | null>();
  private readonly digests = new WeakMap<EncodedImage, string>();
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  /** Its place; null: it does not fit any more, or cannot be decoded. */
  async placeOf(image: EncodedImage): Promise<number | null> {
    const digest = this.digests.get(image) ?? digestOfBytes(image.bytes);
    this.digests.set(image, digest);
    const known = this.places.get(digest);
    if (known !== undefined) return known;
    const made = this.left > 0 ? await this.add(image) : null;
    this.places.set(digest, made);
    return made;
  }

  private async add(image: EncodedImage): Promise<number | null> {
    const bytes = await thumbnail(image.bytes);
    if (!bytes) return null;
    const uri = `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`;
    this.left -= uri.length;
    // The first that does not fit ends it: pictures that are looked at, and left out, take their time as well.
    return this.left >= 0 ? this.all.push(uri) - 1 : null;
  }
}

/** Cases as a page holds them: as many as fit with their texts, and as many of their pictures as fit, each once. */
export async function pageCases(
  cases: readonly FailingCase[],
  files: readonly string[],
  most: { all: number; texts: number } = budget,
): Promise<PageCases> {
  const shown: PageCases['cases'] = [];
  let texts = 0;
  for (const one of cases) {
    const row = pageCase(one, { clean: null, perturbed: null });
    texts += Buffer.byteLength(JSON.stringify(row));
    if (texts > most.texts) break;
    shown.push(row);
  }
  const pictures = new Pictures(most.all - Math.min(texts, most.texts));
  let withoutPicture = 0;
  for (const [i, row] of shown.entries()) {
    const { clean, perturbed } = cases[i]!.images;
    const place = async (image: EncodedImage | null) => (image ? await pictures.placeOf(image) : null);
    row.pictures = { clean: await place(clean), perturbed: await place(perturbed) };
    const lacks = (image: EncodedImage | null, found: number | null) => image !== null && found === null;
    if (lacks(clean, row.pictures.clean) || lacks(perturbed, row.pictures.perturbed)) withoutPicture++;
    if (i % 20 === 0) await setImmediate();
  }
  return { cases: shown, pictures: pictures.all, total: cases.length, withoutPicture, files: [...files] };
}
