import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/** Grey photos of one split: `pixels` holds `count` photos of `size` x `size` bytes, `labels` a class each. */
export interface Photos {
  count: number;
  size: number;
  pixels: Uint8Array;
  labels: Uint8Array;
}

async function readIdx(file: string, dimensions: number): Promise<{ dims: number[]; data: Uint8Array }> {
  let bytes: Buffer;
  try {
    bytes = gunzipSync(await readFile(file));
  } catch (cause) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: expected a gzip-compressed IDX file that can be read`,
      {
        cause,
      },
    );
  }
  const header = 4 + 4 * dimensions;
  const magic = bytes.length >= header ? bytes.readUInt32BE(0) : -1;
  if (magic !== 0x0800 + dimensions) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: expected an IDX file of bytes with ${dimensions} dimensions`,
    );
  }
  const dims = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const size = dims.reduce((a, b) => a * b, 1);
  if (bytes.length !== header + size) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: its header promises ${size} bytes, ${bytes.length - header} follow`,
    );
  }
  return { dims, data: bytes.subarray(header) };
}

/** `prefix` is `train` or `t10k`. Throws GuardError for files that are absent, cut off or of another format. */
export async function readPhotos(folder: string, prefix: string): Promise<Photos> {
  const images = await readIdx(`${folder}/${prefix}-images-idx3-ubyte.gz`, 3);
  const labels = await readIdx(`${folder}/${prefix}-labels-idx1-ubyte.gz`, 1);
  const [count, height, width] = images.dims as [number, number, number];
  if (labels.dims[0] !== count || height !== width) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${folder}: ${prefix} has ${count} photos of ${height}x${width} and ${labels.dims[0]} labels`,
    );
  }
  return { count, size: width, pixels: images.data, labels: labels.data };
}

/** The bytes of photo `index`. */
export function photo(photos: Photos, index: number): Uint8Array {
  const area = photos.size * photos.size;
  return photos.pixels.subarray(index * area, (index + 1) * area);
}
