import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imagePerturbations, removals, textPerturbations } from '../../schemas/benchmark.ts';
import type { GuardConfig } from '../../schemas/config.ts';
import { openSession, packageFolder, type Session } from '../../worker/index.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { randomModel, smallBenchmark } from '../small-project.ts';
import { CallProxy } from './proxy.ts';

const diskMegabytes = 400;
/** Enough for one gate that decides. */
const samplesPerKind = 36;
/** Bytes that a full disk has left: too few for a page of the database and a file's name together. */
const leftBytes = 2 ** 14;

export type Process = 'worker' | 'server' | 'supervisor';

/**
 * A project with a server of our own, a worker as a process of its own that is started again whenever it ends, as by systemd, and a
 * client that reaches the server through a proxy. Its state lies on a small disk of its own where mounting is permitted.
 */
export class Scene {
  readonly folder: string;
  readonly stateDir: string;
  /** Absent: mounting a disk is not permitted here. */
  readonly disk: string | null;
  session!: Session;
  proxy!: CallProxy;
  /** Times that the worker was started. */
  starts = 0;
  private server!: ServerConnection;
  private worker: ChildProcess | null = null;
  private closing = false;
  private closed: Promise<{ processes: number; files: string[] }> | undefined;

  private constructor(folder: string, disk: string | null) {
    this.folder = folder;
    this.disk = disk;
    this.stateDir = join(disk ?? folder, 'state');
  }

  static async open(log: (line: string) => void): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'guard-faults-'));
    const scene = new Scene(folder, await mounted(folder));
    await randomModel(join(folder, 'model'));
    await smallBenchmark(join(folder, 'benchmark'), samplesPerKind);
    scene.server = await connectServer({ stateDir: scene.stateDir, log });
    scene.proxy = await CallProxy.open(scene.server.address);
    await writeFile(
      join(folder, 'temporal.config.json'),
      JSON.stringify(await configOf(scene.proxy.address)),
    );
    scene.startWorker();
    const { stateDir } = scene;
    scene.session = await openSession({ folder, stateDir, worker: false, log });
    return scene;
  }

  private startWorker(): void {
    if (this.closing) return;
    this.starts++;
    const out = openSync(join(this.folder, 'worker.out'), 'a');
    const program = join(packageFolder(), 'cli/modality-guard.mjs');
    const args = [program, 'worker', '--state-dir', this.stateDir];
    const worker = spawn(process.execPath, args, { cwd: this.folder, stdio: ['ignore', out, out] });
    closeSync(out);
    this.worker = worker;
    worker.once('exit', () => setTimeout(() => this.startWorker(), 300));
  }

  /** Null: it is not there at this moment. */
  async pidOf(which: Process): Promise<number | null> {
    if (which === 'worker') return this.worker?.pid ?? null;
    const text = await readFile(join(this.stateDir, 'server/server.json'), 'utf8').catch(() => '{}');
    const record = JSON.parse(text || '{}') as Partial<Record<Process, { pid: number } | null>>;
    return record[which]?.pid ?? null;
  }

  /** Sends a signal; where the process is about to come back, to the next one. */
  async signal(which: Process, name: NodeJS.Signals): Promise<number> {
    for (;;) {
      const pid = await this.pidOf(which);
      try {
        if (pid !== null && process.kill(pid, name)) return pid;
      } catch {
        // It has just ended.
      }
      await sleep(50);
    }
  }

  /** Leaves no room on the disk for a while. */
  async fill(forMs: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.disk!);
    const filler = join(this.disk!, 'filler');
    await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes))).catch(() => {});
    await sleep(forMs);
    await rm(filler, { force: true });
  }

  /** Steps are done again, whoever asked for the same before. */
  async forgetSteps(): Promise<void> {
    const steps = join(this.stateDir, 'store/steps');
    for (const name of await readdir(steps)) await rm(join(steps, name), { recursive: true, force: true });
  }

  /** Processes of this scene, by what they are. */
  async processes(): Promise<Record<Process, number>> {
    const found = { worker: 0, server: 0, supervisor: 0 };
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z') || !line.includes(this.stateDir)) continue;
      if (line.includes('start-dev')) found.server++;
      else if (line.includes('supervisor.js')) found.supervisor++;
      else if (line.includes('modality-guard.mjs')) found.worker++;
    }
    return found;
  }

  /** Files of locks, and of work that was not brought to its end. */
  async leftovers(): Promise<string[]> {
    const files = await readdir(this.stateDir, { recursive: true });
    return files.filter((file) =>
      /\.lock(\.\d+)?$|(^|\/)(scratch|tmp)\/.|start-\w+\.json$|server\.json$|\.new$/.test(file),
    );
  }

  /** Ends everything in order. @returns what was left then */
  close(): Promise<{ processes: number; files: string[] }> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<{ processes: number; files: string[] }> {
    this.closing = true;
    this.proxy.delayMs = 0;
    this.proxy.denied = null;
    const { worker } = this;
    const ended = new Promise((resolve) => worker?.once('exit', resolve));
    worker?.kill('SIGCONT');
    if (worker?.kill('SIGTERM')) await Promise.race([ended, sleep(20_000, null, { ref: false })]);
    worker?.kill('SIGKILL');
    await this.session.close();
    await this.server.close();
    this.proxy.close();
    await sleep(1_000);
    const { server, supervisor, worker: workers } = await this.processes();
    return { processes: server + supervisor + workers, files: await this.leftovers() };
  }

  async remove(): Promise<void> {
    if (this.disk) execFileSync('umount', ['-l', this.disk]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A small disk in the folder; null: not permitted. */
async function mounted(folder: string): Promise<string | null> {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'tmpfs', disk], { stdio: 'pipe' });
    return disk;
  } catch {
    return null;
  }
}

/** The shipped configuration with little work, impatient about silent workers, and gates that let everything pass. */
async function configOf(address: string): Promise<GuardConfig> {
  const shipped = join(packageFolder(), 'temporal.config.json');
  const config = JSON.parse(await readFile(shipped, 'utf8')) as GuardConfig;
  config.server.address = address;
  Object.assign(config, { model: { name: 'tiny', folder: 'model' }, data: { folder: 'benchmark' } });
  Object.assign(config.worker, { threads: 1, heartbeatThrottleSeconds: 0.5, shutdownGraceSeconds: 2 });
  const kept = ['misleading_text', 'full_black'];
  const skip = [...textPerturbations, ...imagePerturbations, ...removals].filter(
    (name) => !kept.includes(name),
  );
  const attack = { kinds: [], samples: 2, eps: [0], alpha: 0.1, steps: 1 };
  config.diagnosis = { samples: 4, skip, attack };
  config.training = { ...config.training, steps: 3, batch: 8, threads: 1 };
  const impatient = { startToCloseSeconds: 60, heartbeatSeconds: 4, attempts: 100, backoffSeconds: 0.3 };
  config.steps = { default: impatient };
  const margins = { perturbed: 1, clean: 1, vqa: 1 };
  for (const policy of config.policies) Object.assign(policy, { requests: samplesPerKind, margins });
  Object.assign(config.drift, { pollSeconds: 0.5, minRequests: 6, changeRate: 1, psi: 1e9 });
  return config;
}
