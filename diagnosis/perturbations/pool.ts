import type { Random } from '../../random/index.ts';
import { type EncodedImage, type Sample, TaskKind } from '../../schemas/benchmark.ts';

type Fields = Readonly<Record<string, string>>;
type Shown = Sample & { image: EncodedImage };

const matches = ({ fields = {} }: Sample, where: Fields) =>
  Object.entries(where).every(([field, value]) => fields[field] === value);

/**
 * The photos that `switch`, `switch_target` and inverted pictures take: those of image-heavy samples, and where there are none, of
 * samples that need both modalities.
 */
export class Pool {
  private readonly photos: Shown[];
  private readonly byName = new Map<string, Shown[]>();
  private readonly byFields = new Map<string, Shown[]>();

  constructor(samples: readonly Sample[]) {
    const shownBy = (kind: TaskKind) =>
      samples.filter((one): one is Shown => one.taskKind === kind && one.image !== null);
    const photos = shownBy(TaskKind.ImageHeavy);
    this.photos = (photos.length > 0 ? photos : shownBy(TaskKind.Vqa)).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const sample of this.photos) {
      if (sample.answer === null) continue;
      const name = sample.options[sample.answer] as string;
      this.byName.set(name, [...(this.byName.get(name) ?? []), sample]);
    }
  }

  /** A photo of another sample; `where`: of one with these fields. Undefined where there is none, as in tables of texts alone. */
  other(sample: Sample, random: Random, where?: Fields): Shown | undefined {
    const photos = this.filtered(where);
    for (let tries = 0; photos.length > 0 && tries < 64; tries++) {
      const photo = random.pick(photos);
      if (photo.source !== sample.source) return photo;
    }
    return undefined;
  }

  has(name: string, where?: Fields): boolean {
    return this.named(name, where).length > 0;
  }

  /** A photo of what `name` names. */
  of(name: string, random: Random, where?: Fields): EncodedImage {
    return random.pick(this.named(name, where)).image;
  }

  private named(name: string, where: Fields | undefined): readonly Shown[] {
    const photos = this.byName.get(name) ?? [];
    return where ? photos.filter((photo) => matches(photo, where)) : photos;
  }

  private filtered(where: Fields | undefined): readonly Shown[] {
    if (!where) return this.photos;
    const key = JSON.stringify(where);
    let photos = this.byFields.get(key);
    if (!photos) {
      photos = this.photos.filter((photo) => matches(photo, where));
      this.byFields.set(key, photos);
    }
    return photos;
  }
}
