/** Pictures as bytes, for every folder that looks into them. */
export { meanBrightness, pictureBrightness } from './brightness.ts';
export { decodeColours, mostPixels } from './colours.ts';
export { decodePng, pngSize } from './png.ts';
