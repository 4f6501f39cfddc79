import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ArtifactRef, type Digest, MediaType } from '../schemas/artifact.ts';
import type { Heartbeat } from '../schemas/heartbeat.ts';
import { type ArtifactStore, writeAtomically } from '../store/index.ts';

type Checkpoint = NonNullable<Heartbeat['checkpoint']>;
const Pointer = z.strictObject({ artifact: ArtifactRef, step: z.number().int() });

/**
 * The newest checkpoint of a step. Heartbeats carry it too, but are sent now and then only, and not at all when a worker
 * is killed; the pointer beside the store is not lost.
 */
export class Checkpoints {
  private readonly store: ArtifactStore;
  private readonly folder: string;
  private readonly pointer: string;

  constructor(store: ArtifactStore, stateDir: string, cacheKey: Digest) {
    this.store = store;
    this.folder = join(stateDir, 'checkpoints');
    this.pointer = join(this.folder, `${cacheKey.replace('sha256:', '')}.json`);
  }

  /** Keeps a checkpoint file as an artifact. */
  async keep(file: string, step: number): Promise<Checkpoint> {
    const artifact = await this.store.putFile(file, MediaType.Binary);
    await mkdir(this.folder, { recursive: true });
    await writeAtomically(this.pointer, (write) => write(Buffer.from(JSON.stringify({ artifact, step }))));
    return { artifact, step };
  }

  /** A file with the newest of what heartbeat and pointer name; undefined: begin at the beginning. */
  async newest(heartbeat: Checkpoint | undefined): Promise<{ file: string; step: number } | undefined> {
    const known = [heartbeat, await this.readPointer()].filter((found) => found !== undefined);
    for (const { artifact, step } of known.sort((a, b) => b.step - a.step)) {
      const file = await this.store.path(artifact).catch(() => undefined);
      if (file !== undefined) return { file, step };
    }
    return undefined;
  }

  async forget(): Promise<void> {
    await rm(this.pointer, { force: true });
  }

  private async readPointer(): Promise<Checkpoint | undefined> {
    try {
      return Pointer.parse(JSON.parse(await readFile(this.pointer, 'utf8')));
    } catch {
      return undefined;
    }
  }
}
