import sharp, { type Sharp } from 'sharp';

/** A few bytes can claim a picture that fills the memory: larger ones are refused before they are unpacked. */
export const mostPixels = 50_000_000;

/** Pixels of any picture that sharp reads, upright, in grey or sRGB, without transparency. @throws Error where it cannot be decoded */
export function decodeColours(bytes: Uint8Array): ReturnType<typeof raw> {
  return raw(sharp(bytes, { limitInputPixels: mostPixels }).autoOrient().toColourspace('srgb').removeAlpha());
}

const raw = (picture: Sharp) => picture.raw().toBuffer({ resolveWithObject: true });
