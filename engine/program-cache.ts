import type { Program } from './program.ts';

/** Compiled programs by name. Of more than `most` the one that waited longest is released. */
export class ProgramCache {
  private readonly most: number;
  private readonly programs = new Map<string, Promise<Program>>();

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  /** The program of this name, which `build` makes where there is none. What cannot be built is not kept. */
  get(name: string, build: () => Promise<Program>): Promise<Program> {
    const known = this.programs.get(name);
    const program = known ?? this.add(name, build);
    // Put in again, so that the one that waited longest is the first.
    this.programs.delete(name);
    this.programs.set(name, program);
    return program;
  }

  async release(): Promise<void> {
    const programs = [...this.programs.values()];
    this.programs.clear();
    for (const program of programs) await (await program.catch(() => null))?.release();
  }

  private add(name: string, build: () => Promise<Program>): Promise<Program> {
    const program = this.makeRoom().then(build);
    program.catch(() => this.programs.delete(name));
    return program;
  }

  /** Before the next one is built: two would need the memory of two. */
  private async makeRoom(): Promise<void> {
    const [oldest] = this.programs;
    if (!oldest || this.programs.size < this.most) return;
    const [name, program] = oldest;
    this.programs.delete(name);
    await (await program.catch(() => null))?.release();
  }
}
