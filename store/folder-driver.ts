import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Fill, makeFolder, syncFolder, writeAtomically, writeNew } from './atomic.ts';
import type { ArtifactDriver, StoredObject } from './driver.ts';
import { asStorageError, errno } from './storage-errors.ts';

const hexOf = (digest: Digest) => digest.slice('sha256:'.length);
const isHex = (name: string) => /^[0-9a-f]{64}$/.test(name);
/** A writer that was killed leaves its temporary file; one this old has no writer any more. */
const abandonedAfter = 24 * 60 * 60 * 1000;

/**
 * Objects in `sha256/<first two digits>/<64 digits>`, read-only; index entries in `steps/`, laid out likewise;
 * files being written in `tmp/`.
 */
export class FolderDriver implements ArtifactDriver {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(root: string): Promise<FolderDriver> {
    try {
      for (const name of ['sha256', 'steps', 'tmp']) await makeFolder(join(root, name));
      for (const name of await readdir(join(root, 'tmp'))) {
        const path = join(root, 'tmp', name);
        const found = await stat(path).catch(() => undefined);
        if (found && Date.now() - found.mtimeMs > abandonedAfter) await rm(path, { force: true });
      }
    } catch (error) {
      throw asStorageError(error, 'open the artifact store in', root);
    }
    return new FolderDriver(root);
  }

  async away(): Promise<string | null> {
    try {
      await stat(join(this.root, 'sha256'));
      return null;
    } catch (error) {
      return `${this.root}: the artifact store is away (${errno(error)}); mount or move it back, and the work goes on`;
    }
  }

  /** While the folder is away nothing is missing in it, and a write must not make another one in its place. @throws GuardError StorageAway */
  private async checkThere(): Promise<void> {
    const away = await this.away();
    if (away !== null) throw new GuardError(ErrorCode.StorageAway, away);
  }

  locate(digest: Digest): string {
    return `[folder=${this.root}, digest=${digest}]`;
  }

  private objectPath(digest: Digest): string {
    return join(this.root, 'sha256', hexOf(digest).slice(0, 2), hexOf(digest));
  }

  private indexPath(key: Digest): string {
    return join(this.root, 'steps', hexOf(key).slice(0, 2), `${hexOf(key)}.json`);
  }

  async store(fill: Fill): Promise<StoredObject> {
    await this.checkThere();
    const temporary = join(this.root, 'tmp', `${process.pid}-${randomUUID()}`);
    const { hex, bytes } = await writeNew(temporary, fill, 0o444);
    const digest: Digest = `sha256:${hex}`;
    try {
      if (await this.isIntact(digest, bytes)) {
        await rm(temporary, { force: true });
      } else {
        const path = this.objectPath(digest);
        await makeFolder(dirname(path));
        await rename(temporary, path);
        await syncFolder(dirname(path));
      }
    } catch (error) {
      await rm(temporary, { force: true });
      throw asStorageError(error, 'store', this.locate(digest));
    }
    return { digest, bytes };
  }

  /** Looks at the bytes too: storing content again repairs an object that was damaged. */
  private async isIntact(digest: Digest, bytes: number): Promise<boolean> {
    if ((await this.size(digest)) !== bytes) return false;
    const hash = createHash('sha256');
    for await (const chunk of this.stream(digest)) hash.update(chunk);
    return hash.digest('hex') === hexOf(digest);
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.objectPath(digest))).size;
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw asStorageError(error, 'look up', this.locate(digest));
      await this.checkThere();
      return undefined;
    }
  }

  async *stream(digest: Digest): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(this.objectPath(digest), {
        highWaterMark: 1024 * 1024,
      }) as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (errno(error) === 'ENOENT') await this.checkThere();
      throw asStorageError(error, 'read', this.locate(digest));
    }
  }

  async localFile(digest: Digest): Promise<string> {
    return this.objectPath(digest);
  }

  private async *files(folder: string): AsyncGenerator<string> {
    for (const prefix of (await readdir(join(this.root, folder))).sort()) {
      for (const name of (await readdir(join(this.root, folder, prefix))).sort()) yield name;
    }
  }

  async *objects(): AsyncGenerator<StoredObject> {
    for await (const name of this.files('sha256')) {
      if (!isHex(name)) continue;
      const digest: Digest = `sha256:${name}`;
      const bytes = await this.size(digest);
      if (bytes !== undefined) yield { digest, bytes };
    }
  }

  async readIndex(key: Digest): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.indexPath(key));
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw asStorageError(error, 'read', this.indexPath(key));
      await this.checkThere();
      return undefined;
    }
  }

  async writeIndex(key: Digest, bytes: Uint8Array): Promise<void> {
    await this.checkThere();
    await writeAtomically(this.indexPath(key), (write) => write(bytes));
  }

  async *indexKeys(): AsyncGenerator<Digest> {
    for await (const name of this.files('steps')) {
      if (name.endsWith('.json') && isHex(name.slice(0, -5))) yield `sha256:${name.slice(0, -5)}`;
    }
  }
}
