/** Pictures as bytes, for every folder that looks into them. */
export { meanBrightness, pictureBrightness } from './brightness.ts';
export { decodeColours, mostPixels, openPicture, type View } from './colours.ts';
export { type PictureKind, pictureKind, pictureKinds } from './kind.ts';
export { decodePng, pngOrientation, pngSize } from './png.ts';
export { pictureProblem } from './problem.ts';
export { sendable } from './sendable.ts';
export { pictureSize } from './size.ts';
export { thumbnail } from './thumbnail.ts';
