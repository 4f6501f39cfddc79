import type { Random } from '../../random/index.ts';
import type { EncodedImage, Sample } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { List, PictureOp, Scenario } from '../../schemas/scenario.ts';
import { type Canvas, cut, draw, inChannels, inkOf, type PictureSize, paste, png, scaled } from './canvas.ts';
import { blur, corrupt, jpegQuality } from './corruptions.ts';
import type { Pool } from './pool.ts';
import { documentPage, screenshot, screenWith, withCaption } from './screenshot.ts';
import { fill, type SlotSource } from './slots.ts';
import { hintedOption } from './text.ts';

/** A picture that has nothing to do with the question; `hinted` is the wrong option that it shows. */
export interface PutImage {
  image: EncodedImage;
  variant: string;
  hinted: number | null;
}

/** What the making of a picture asks of whoever runs it: pixels of a file, or those that JPEG leaves of a canvas. */
export type Request = { decode: EncodedImage; size: PictureSize } | { jpeg: Canvas; quality: number };
/** Answered with the canvas; null: it cannot be done here. */
export type Making<T> = Generator<Request, T, Canvas | null>;

export interface PictureSetting {
  sample: Sample;
  pool: Pool;
  size: PictureSize;
  lists: Readonly<Record<string, List>>;
  random: Random;
  /** Of corruptions that name none. */
  severity: number;
}

type Op<Name extends PictureOp['op']> = Extract<PictureOp, { op: Name }>;

/** The scenario does not fit the sample. */
class Unfit extends Error {}

/** A picture in the making: a file as it is, until its pixels are needed. */
class Maker {
  private readonly setting: PictureSetting;
  private readonly scenario: Scenario;
  private file: EncodedImage | null = null;
  private canvas: Canvas | null = null;
  private readonly did: string[] = [];
  private hinted: number | null | undefined;

  constructor(scenario: Scenario, setting: PictureSetting) {
    this.scenario = scenario;
    this.setting = setting;
  }

  *run(ops: readonly PictureOp[]): Making<void> {
    for (const op of ops) yield* this.apply(op);
  }

  result(): PutImage {
    return {
      image: this.file ?? png(this.canvas!),
      variant: this.did.join(', '),
      hinted: this.hinted ?? null,
    };
  }

  private *apply(op: PictureOp): Making<void> {
    const { random, size } = this.setting;
    switch (op.op) {
      case 'constant':
        return this.put(
          draw(size, (_x, _y, c) => inkOf(op.value, c, size.channels)),
          colourName(op.value),
        );
      case 'noise':
        return this.put(
          draw(size, () => random.int(256)),
          'uniform noise',
        );
      case 'pattern':
        return this.put(patterns[op.kind](size, random), op.kind);
      case 'own':
        return this.take(this.setting.sample.image ? this.setting.sample : this.other());
      case 'switch':
        return this.change(op);
      case 'screenshot': {
        const lines = op.lines?.map((line) => this.filled(line));
        if (!lines) return this.put(screenshot(size, random), 'windows');
        return this.put(screenWith(size, lines, random), 'window with text');
      }
      case 'document':
        return this.put(
          documentPage(
            size,
            op.lines.map((line) => this.filled(line)),
            random,
          ),
          'page',
        );
      case 'one_of': {
        const way = random.pick(Object.keys(op.ways));
        const before = this.did.length;
        yield* this.run(op.ways[way]!);
        this.did.splice(before, this.did.length, way);
        return;
      }
      default:
        yield* this.edit(op);
    }
  }

  private *edit(op: Op<'text' | 'invert' | 'corrupt' | 'crop' | 'paste' | 'blur'>): Making<void> {
    const { random, severity, size } = this.setting;
    if (op.op === 'text') {
      const template = random.pick(op.say);
      const under = enlarged(yield* this.pixels(), size);
      return this.put(withCaption(under, this.filled(template), op), template, true);
    }
    if (op.op === 'invert') {
      const pixels = yield* this.pixels(patterns.blocks);
      return this.put({ ...pixels, data: pixels.data.map((value) => 255 - value) }, 'inverted', true);
    }
    const canvas = yield* this.pixels();
    if (op.op === 'crop') {
      const [width, height] = [canvas.width, canvas.height].map((side) =>
        Math.max(1, Math.round(side * op.share)),
      );
      const [x, y] = [canvas.width - width!, canvas.height - height!].map((rest) => Math.floor(rest / 2));
      return this.put(cut(canvas, x!, y!, width!, height!), 'cropped', true);
    }
    if (op.op === 'blur') {
      return this.put(blur(canvas, op.radius * Math.min(canvas.width, canvas.height)), 'blurred', true);
    }
    if (op.op === 'paste') {
      const photo = this.other();
      const [width, height] = [canvas.width, canvas.height].map((side) =>
        Math.max(1, Math.round(side * op.share)),
      );
      const upper = scaled(yield* decoded(photo.image!, size), width!, height!);
      const both = inChannels(canvas, upper.channels === 3 ? 3 : canvas.channels);
      const under = { ...both, data: both.data.slice() };
      paste(under, upper, random.int(canvas.width - width! + 1), random.int(canvas.height - height! + 1));
      return this.put(under, `with ${photo.id}`, true);
    }
    const strength = op.severity ?? severity;
    if (op.kind !== 'jpeg') {
      return this.put(corrupt(canvas, op.kind, strength, random), `${op.kind} ${strength}`, true);
    }
    const worse = yield { jpeg: canvas, quality: jpegQuality[strength - 1]! };
    if (worse === null) throw unreadable(this.setting.sample);
    this.put(worse, `jpeg ${strength}`, true);
  }

  private filled(template: string): string {
    this.hinted ??= this.optionToHint();
    const source: SlotSource = { ...this.setting, hinted: this.hinted };
    return fill(template, source);
  }

  private optionToHint(): number | null {
    const { random, sample } = this.setting;
    const hinted = hintedOption(this.scenario, sample, random);
    if (hinted === undefined) throw new Unfit();
    return hinted;
  }

  private other(where?: Record<string, string>) {
    const { pool, random, sample } = this.setting;
    const photo = pool.other(sample, random, where);
    if (!photo) throw new Unfit();
    return photo;
  }

  private change({ to, where }: Op<'switch'>): void {
    if (to === 'other') {
      this.take(this.other(where));
      return;
    }
    const { pool, random, sample } = this.setting;
    const { answer, options } = sample;
    const right = to === 'right_option';
    if (right && answer === null) throw new Unfit();
    const shown = options.flatMap((option, i) =>
      (i === answer) === right && pool.has(option, where) ? [i] : [],
    );
    const chosen = this.hinted ?? (shown.length === 0 ? null : random.pick(shown));
    if (chosen === null || !shown.includes(chosen)) throw new Unfit();
    this.hinted = chosen;
    const option = options[chosen]!;
    this.keep(pool.of(option, random, where), option);
  }

  private take({ id, image }: Pick<Sample, 'id' | 'image'>): void {
    this.keep(image!, id);
  }

  private keep(image: EncodedImage, what: string): void {
    this.file = image;
    this.canvas = null;
    this.did.splice(0, this.did.length, what);
  }

  /** A new picture; `changed`: of the one before. */
  private put(canvas: Canvas, what: string, changed = false): void {
    this.file = null;
    this.canvas = canvas;
    this.did.splice(changed ? this.did.length : 0, this.did.length, what);
  }

  private *pixels(instead?: (size: PictureSize, random: Random) => Canvas): Making<Canvas> {
    const { random, sample, size } = this.setting;
    if (this.canvas) return this.canvas;
    const file = this.file ?? sample.image ?? this.other().image!;
    if (!instead) return yield* decoded(file, size);
    return (yield { decode: file, size }) ?? instead(size, random);
  }
}

function* decoded(file: EncodedImage, size: PictureSize): Making<Canvas> {
  const canvas = yield { decode: file, size };
  if (canvas) return canvas;
  throw new GuardError(
    ErrorCode.BadInput,
    `${file.path ?? `an image of ${file.bytes.length} bytes without a path`}: cannot be decoded as an image; encode it again or drop the row`,
  );
}

const unreadable = ({ id }: Sample) =>
  new GuardError(ErrorCode.BadInput, `sample ${id}: JPEG pictures are not made here`);

/** A small photo has no room for text: it takes the size that the model sees. */
function enlarged(canvas: Canvas, size: PictureSize): Canvas {
  const factor = Math.min(size.width / canvas.width, size.height / canvas.height);
  if (factor <= 1) return canvas;
  return scaled(canvas, Math.round(canvas.width * factor), Math.round(canvas.height * factor));
}

function colourName(value: Op<'constant'>['value']): string {
  if (value === 0) return 'black';
  return value === 255 ? 'white' : `colour ${value}`;
}

/** Drawn for 56 pixels; larger pictures have larger cells. */
const patterns = {
  stripes(size: PictureSize, random: Random): Canvas {
    const period = 4 + random.int(9);
    const vertical = random.int(2) === 1;
    const cell = cellOf(size);
    return draw(size, (x, y) => (Math.floor((vertical ? x : y) / cell) % period < period / 2 ? 235 : 20));
  },
  grid(size: PictureSize, random: Random): Canvas {
    const period = 5 + random.int(8);
    const cell = cellOf(size);
    const lined = (at: number) => Math.floor(at / cell) % period === 0;
    return draw(size, (x, y) => (lined(x) || lined(y) ? 220 : 30));
  },
  blocks(size: PictureSize, random: Random): Canvas {
    const block = 7 * (1 + random.int(2));
    const across = 56 / block;
    const values = Array.from({ length: across * across }, () => random.int(256));
    return draw(size, (x, y) => {
      const [column, row] = [Math.floor((x * across) / size.width), Math.floor((y * across) / size.height)];
      return values[row * across + column]!;
    });
  },
} as const;

function cellOf({ height, width }: PictureSize): number {
  return Math.max(1, Math.floor(Math.min(width, height) / 56));
}

/** The picture of a scenario; null where it does not fit the sample. @throws MissingField, GuardError BadInput */
export function* makePicture(scenario: Scenario, setting: PictureSetting): Making<PutImage | null> {
  const maker = new Maker(scenario, setting);
  try {
    yield* maker.run(scenario.picture!);
    return maker.result();
  } catch (error) {
    if (error instanceof Unfit) return null;
    throw error;
  }
}
