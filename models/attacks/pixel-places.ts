/** Channels, height and width of numbers that lie in this order, row-major. */
export interface PlaneSize {
  channels: number;
  height: number;
  width: number;
}

/** Which pixel each of a picture's prepared numbers shows. */
export interface PixelPlaces {
  /** Numbers of one channel that lie together; those of the next channel follow. */
  plane: number;
  /** By number its pixel in the picture: numbers that show the same one (the frames of a patch) are moved together. */
  own: Int32Array;
  /** How many pixels, of each channel its own, the picture has. */
  count: number;
  /** By number its pixel in a pattern of `size` that is laid over each whole picture or tile. */
  shared: Int32Array;
  size: PlaneSize;
}

/** Numbers [..., channels, height, width]: each shows a pixel of its own, and every plane takes the whole pattern. */
export function planePlaces(count: number, size: PlaneSize): PixelPlaces {
  const whole = size.channels * size.height * size.width;
  const own = Int32Array.from({ length: count }, (_, i) => i);
  const plane = size.height * size.width;
  return { plane, own, count, shared: own.map((i) => i % whole), size };
}

export interface PatchGrid {
  /** Patches along time, height and width. */
  grid: readonly [number, number, number];
  /** Pixels of a patch's side, and patches of a side that become one token. */
  patch: number;
  merge: number;
  channels: number;
  /** Frames of a patch; a still picture has the same one in each. */
  frames: number;
}

/** Pixels of a pattern's side where pictures have any size: it is repeated over them. */
const PATTERN_SIDE = 224;

/**
 * Patches as Qwen2-VL takes them: [patches, channels * frames * patch * patch], those of one token together, tokens row by row.
 * All frames show the same pixels. Source: `Qwen2VLImageProcessor` of transformers.
 */
export function patchPlaces({ channels, frames, grid, merge, patch }: PatchGrid): PixelPlaces {
  const [time, rows, columns] = grid;
  const [height, width] = [rows * patch, columns * patch];
  const numbers = time * rows * columns * channels * frames * patch * patch;
  const own = new Int32Array(numbers);
  const shared = new Int32Array(numbers);
  let at = 0;
  for (let token = 0; token < (time * rows * columns) / merge ** 2; token++) {
    const across = columns / merge;
    const [down, right] = [Math.floor(token / across) % (rows / merge), token % across];
    for (let cell = 0; cell < merge ** 2; cell++) {
      const top = (down * merge + Math.floor(cell / merge)) * patch;
      const left = (right * merge + (cell % merge)) * patch;
      for (let i = 0; i < channels * frames * patch ** 2; i++, at++) {
        const channel = Math.floor(i / (frames * patch ** 2));
        const y = top + (Math.floor(i / patch) % patch);
        const x = left + (i % patch);
        own[at] = (channel * height + y) * width + x;
        shared[at] = (channel * PATTERN_SIDE + (y % PATTERN_SIDE)) * PATTERN_SIDE + (x % PATTERN_SIDE);
      }
    }
  }
  const size = { channels, height: PATTERN_SIDE, width: PATTERN_SIDE };
  return { plane: frames * patch ** 2, own, count: channels * height * width, shared, size };
}
