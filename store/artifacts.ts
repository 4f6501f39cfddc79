import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type ArtifactRef, type Digest, MediaType, StepManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Fill } from './atomic.ts';
import { canonicalJson } from './canonical.ts';
import type { ArtifactDriver, StoredObject } from './driver.ts';
import { FolderDriver } from './folder-driver.ts';
import { checkoutModel, collectModel } from './model-folders.ts';
import { errno } from './storage-errors.ts';
import { IndexEntry, type StoreProblem, verifyStore } from './verify.ts';

const advice =
  'Run `modality-guard audit verify` to find what else is affected; running the step again writes it anew.';

/** A user's file in chunks: what is wrong with it is their input's fault, not the store's. */
async function* sourceChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    const message = `${path}: cannot be read (${errno(cause)}): check the path and its permissions`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
}

/** Artifacts by the SHA-256 of their bytes. Everything that is read is hashed again. */
export class ArtifactStore {
  readonly driver: ArtifactDriver;
  /** Where models are laid out as folders, on this machine. */
  readonly checkouts: string;

  constructor(driver: ArtifactDriver, checkouts: string) {
    this.driver = driver;
    this.checkouts = checkouts;
  }

  /** Opens the store in a folder, which is made if need be. @throws GuardError Storage */
  static async open(root: string): Promise<ArtifactStore> {
    return new ArtifactStore(await FolderDriver.open(root), join(root, 'checkouts'));
  }

  /** Stores what `fill` writes, without holding it in memory. `rows` may be a count that is known only then. */
  async create(mediaType: string, fill: Fill, rows?: () => number): Promise<ArtifactRef> {
    const { digest, bytes } = await this.driver.store(fill);
    return { digest, mediaType, bytes, ...(rows ? { rows: rows() } : {}) };
  }

  async put(bytes: Uint8Array, mediaType: string, rows?: number): Promise<ArtifactRef> {
    return this.create(mediaType, (write) => write(bytes), rows === undefined ? undefined : () => rows);
  }

  /** Stores a copy of a file. @throws GuardError BadInput if it cannot be read, Storage if it cannot be stored */
  async putFile(path: string, mediaType: string, rows?: number): Promise<ArtifactRef> {
    const fill: Fill = async (write) => {
      for await (const chunk of sourceChunks(path)) await write(chunk);
    };
    return this.create(mediaType, fill, rows === undefined ? undefined : () => rows);
  }

  /** The reference that `putFile` gives, with nothing stored. @throws GuardError BadInput if the file cannot be read */
  async refOfFile(path: string, mediaType: string): Promise<ArtifactRef> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of sourceChunks(path)) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
    return { digest: `sha256:${hash.digest('hex')}`, mediaType, bytes };
  }

  /** The error to end with while the store as a whole is away; null: it is there. */
  async away(): Promise<GuardError | null> {
    const message = await this.driver.away();
    return message === null ? null : new GuardError(ErrorCode.StorageAway, message);
  }

  private missing(ref: ArtifactRef, cause?: unknown): GuardError {
    const message =
      `artifact is missing ${this.driver.locate(ref.digest)} (${ref.mediaType}) on the host ${hostname()}. ${advice} ` +
      'Workers on several hosts need one store: give each the same shared folder with --state-dir.';
    return new GuardError(ErrorCode.ArtifactNotHere, message, { cause });
  }

  /** Hands over the bytes in chunks; at the end they are known to be right. */
  private async *checked(ref: ArtifactRef): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of this.driver.stream(ref.digest)) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw errno(error) === 'ENOENT' ? this.missing(ref, error) : error;
    }
    const found = `sha256:${hash.digest('hex')}`;
    if (found === ref.digest && bytes === ref.bytes) return;
    throw new GuardError(
      ErrorCode.BadArtifact,
      `artifact was changed ${this.driver.locate(ref.digest)}: its bytes now have digest ${found} and size ${bytes}, ` +
        `expected ${ref.bytes} bytes (${ref.mediaType}). ${advice}`,
    );
  }

  /** @throws GuardError ArtifactNotHere if it is missing, BadArtifact if its bytes do not match the digest */
  async get(ref: ArtifactRef): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.checked(ref)) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  /** A file on this machine with the artifact's bytes, checked now, not to be written to. @throws GuardError as `get` */
  async path(ref: ArtifactRef): Promise<string> {
    if ((await this.driver.size(ref.digest)) === undefined) throw this.missing(ref);
    for await (const _ of this.checked(ref));
    return this.driver.localFile(ref.digest);
  }

  /** Whether an object of this digest and size is there; its bytes are checked when they are read. */
  async has(ref: ArtifactRef): Promise<boolean> {
    return (await this.driver.size(ref.digest)) === ref.bytes;
  }

  /** Stores canonical JSON: equal values have equal digests. */
  async putJson(value: unknown, mediaType: string = MediaType.Json): Promise<ArtifactRef> {
    return this.put(Buffer.from(canonicalJson(value)), mediaType);
  }

  /** @throws GuardError as `get`, and BadArtifact if it is not of the schema */
  async getJson<T>(ref: ArtifactRef, schema: z.ZodType<T>): Promise<T> {
    const text = Buffer.from(await this.get(ref)).toString('utf8');
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
      const message = `artifact has not the expected form ${this.driver.locate(ref.digest)}: ${reason}`;
      throw new GuardError(ErrorCode.BadArtifact, message, { cause });
    }
  }

  /**
   * Stores the files of a model folder (all, or those chosen; hidden ones left out) and a manifest, whose digest names the
   * model. Each file is copied once; folders that are laid out later link to that copy where the file system can.
   */
  async putModel(
    folder: string,
    name: string,
    chosen: readonly string[] | null = null,
  ): Promise<ArtifactRef> {
    return this.putJson(await collectModel(this, folder, name, chosen), MediaType.Model);
  }

  /** The model as a folder of read-only files (hard links where possible), made once and checked when it is asked for. */
  async checkoutModel(ref: ArtifactRef): Promise<string> {
    return checkoutModel(this, ref);
  }

  list(): AsyncIterable<StoredObject> {
    return this.driver.objects();
  }

  /** Hashes every object and follows every reference; yields what is wrong. */
  verify(): AsyncIterable<StoreProblem> {
    return verifyStore(this.driver);
  }

  /** Stores a step's manifest and points the index at it. */
  async recordStep(manifest: StepManifest): Promise<ArtifactRef> {
    const ref = await this.putJson(manifest, MediaType.Step);
    const entry = canonicalJson({ cacheKey: manifest.cacheKey, manifest: ref });
    await this.driver.writeIndex(manifest.cacheKey as Digest, Buffer.from(entry));
    return ref;
  }

  /** The manifest recorded for a cache key; undefined if there is none that can be read: the step then runs again. */
  async findStep(cacheKey: Digest): Promise<{ ref: ArtifactRef; manifest: StepManifest } | undefined> {
    const bytes = await this.driver.readIndex(cacheKey);
    if (!bytes) return undefined;
    try {
      const entry = IndexEntry.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      const manifest = await this.getJson(entry.manifest, StepManifest);
      return manifest.cacheKey === cacheKey ? { ref: entry.manifest, manifest } : undefined;
    } catch (error) {
      const { code } = error as Partial<GuardError>;
      if (code === ErrorCode.Storage || code === ErrorCode.StorageAway) throw error;
      return undefined;
    }
  }
}
