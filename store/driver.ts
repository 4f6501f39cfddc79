import type { Digest } from '../schemas/artifact.ts';
import type { Fill } from './atomic.ts';

export interface StoredObject {
  digest: Digest;
  bytes: number;
}

/**
 * Where the bytes lie: a folder now, a bucket with the same interface. A driver stores and finds; it does not
 * check what it reads, `ArtifactStore` does. Failures of the place itself are GuardErrors (Storage) that name it.
 */
export interface ArtifactDriver {
  /** The object's place for messages, for example `[folder=…, digest=…]`. */
  locate(digest: Digest): string;
  /** Stores what `fill` writes under its digest, all or nothing. Content that is there already stays, if intact. */
  store(fill: Fill): Promise<StoredObject>;
  /** Bytes in the store; undefined: no such object. */
  size(digest: Digest): Promise<number | undefined>;
  /** The bytes as they lie there, in chunks. An object that is absent ends in an error with code ENOENT. */
  stream(digest: Digest): AsyncIterable<Uint8Array>;
  /** A file on this machine with the object's bytes, not to be written to. */
  localFile(digest: Digest): Promise<string>;
  objects(): AsyncIterable<StoredObject>;
  /** What is said while the place as a whole is away; null: it is there. */
  away(): Promise<string | null>;
  /** The index: small mutable entries, keyed by a step's cache key. */
  readIndex(key: Digest): Promise<Uint8Array | undefined>;
  writeIndex(key: Digest, bytes: Uint8Array): Promise<void>;
  indexKeys(): AsyncIterable<Digest>;
}
