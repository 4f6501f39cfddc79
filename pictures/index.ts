/** Pictures as bytes, for every folder that looks into them. */
export { decodePng, pngSize } from './png.ts';
