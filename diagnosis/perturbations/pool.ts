import type { Random } from '../../random/index.ts';
import { type EncodedImage, type Sample, TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

type Shown = Sample & { image: EncodedImage };

/** The photos that `switch`, `switch_target` and inverted pictures take: those of image-heavy samples. */
export class Pool {
  private readonly photos: Shown[];
  private readonly byName = new Map<string, Shown[]>();

  constructor(samples: readonly Sample[]) {
    this.photos = samples
      .filter((sample): sample is Shown => sample.taskKind === TaskKind.ImageHeavy && sample.image !== null)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const sample of this.photos) {
      if (sample.answer === null) continue;
      const name = sample.options[sample.answer] as string;
      this.byName.set(name, [...(this.byName.get(name) ?? []), sample]);
    }
  }

  /** A photo of another sample. Throws GuardError for a pool without one. */
  other(sample: Sample, random: Random): Shown {
    const others = this.photos.length;
    for (let tries = 0; others > 0 && tries < 64; tries++) {
      const photo = random.pick(this.photos);
      if (photo.source !== sample.source) return photo;
    }
    throw new GuardError(
      ErrorCode.BadInput,
      `sample ${sample.id}: no image of another sample to put beside it; the table needs image_heavy rows with an image`,
    );
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** A photo of what `name` names. */
  of(name: string, random: Random): EncodedImage {
    return random.pick(this.byName.get(name) ?? []).image;
  }
}
