import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Digest } from '../schemas/artifact.ts';

/** SHA-256 of a file's bytes, read in chunks. */
export async function hashFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}
