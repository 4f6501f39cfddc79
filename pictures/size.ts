import sharp from 'sharp';

/** Width and height as the file's header has them, in pixels; null where it cannot be read. */
export async function pictureSize(bytes: Uint8Array): Promise<{ width: number; height: number } | null> {
  try {
    const { height, width } = await sharp(bytes).metadata();
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    return null;
  }
}
