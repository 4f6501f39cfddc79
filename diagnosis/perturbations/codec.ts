import sharp, { type Sharp } from 'sharp';
import { openPicture, pngOrientation, pngSize } from '../../pictures/index.ts';
import type { EncodedImage } from '../../schemas/benchmark.ts';
import { type Canvas, type PictureSize, pixelsOfPng } from './canvas.ts';
import type { Making, Request } from './picture.ts';

/** Pictures are not worked on in more pixels than this a side, or than the model's. */
const leastBound = 224;

/** What can be had without waiting: pixels of a PNG. */
export function runNow<T>(making: Making<T>): T {
  let step = making.next();
  while (!step.done) {
    step = making.next('decode' in step.value ? pixelsOfPng(step.value.decode) : null);
  }
  return step.value;
}

/** Any format that sharp reads. */
export async function run<T>(making: Making<T>): Promise<T> {
  let step = making.next();
  while (!step.done) step = making.next(await answer(step.value));
  return step.value;
}

async function answer(request: Request): Promise<Canvas | null> {
  try {
    return 'decode' in request
      ? await pixelsOf(request.decode, request.size)
      : await throughJpeg(request.jpeg, request.quality);
  } catch {
    return null;
  }
}

async function pixelsOf(image: EncodedImage, size: PictureSize): Promise<Canvas | null> {
  const bound = Math.max(leastBound, size.width, size.height);
  const claimed = pngSize(image.bytes);
  const small = claimed && claimed.width <= bound && claimed.height <= bound;
  const plain = small && !isSeenOtherwise(image.bytes, size) ? pixelsOfPng(image) : null;
  if (plain) return plain;
  const picture = (await openPicture(image.bytes, size.view)).resize({
    width: bound,
    height: bound,
    fit: 'inside',
    withoutEnlargement: true,
  });
  return canvasOf(picture.removeAlpha().toColourspace('srgb'));
}

/** Whether the numbers of a PNG are not what is seen: turned, 16 bits deep, or, for browsers, of another colour space. */
function isSeenOtherwise(bytes: Uint8Array, { view }: PictureSize): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(4096, bytes.byteLength));
  const deep = bytes[24] === 16;
  return deep || pngOrientation(bytes) !== 1 || (view === 'browser' && head.includes('iCCP'));
}

async function throughJpeg({ channels, data, height, width }: Canvas, quality: number): Promise<Canvas> {
  const raw = { width, height, channels };
  const bytes = await sharp(data, { raw }).jpeg({ quality }).toBuffer();
  const grey = channels === 1 ? sharp(bytes).toColourspace('b-w') : sharp(bytes);
  return canvasOf(grey);
}

async function canvasOf(picture: Sharp): Promise<Canvas> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const { channels, height, width } = info;
  return { width, height, channels: channels === 1 ? 1 : 3, data: new Uint8Array(data) };
}
