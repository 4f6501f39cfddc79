const head = Buffer.from('version https://git-lfs.github.com/spec/');

/** Whether the bytes are what Git LFS leaves in a file's place until it is fetched. */
export const isPointer = (bytes: Uint8Array): boolean =>
  bytes.length >= head.length &&
  head.equals(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, head.length)));

/** What such a file is, and what to do. */
export const pointerAdvice =
  'is a Git LFS pointer, the file itself was not fetched; run `git lfs pull` in its folder';
