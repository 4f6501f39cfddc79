import { cancelled } from '../../engine/index.ts';

/** Resolves after `ms`; rejects with GuardError CANCELLED once the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled('the prediction'));
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled('the prediction'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/**
 * How many requests may be under way: one until the server has answered, then up to the limit that was set; half as many
 * after each "too many", and step by step more again while all goes well.
 */
export class Pace {
  private readonly most: number;
  private allowed = 1;
  private proven = false;
  private active = 0;
  private notBefore = 0;
  private readonly waiting = new Set<() => void>();

  constructor(most: number) {
    this.most = most;
  }

  /** Waits for a place. Rejects with GuardError CANCELLED once the signal is aborted. */
  async enter(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (signal.aborted) throw cancelled('the prediction');
      const wait = this.notBefore - Date.now();
      if (wait > 0) await pause(wait, signal);
      else if (this.active < Math.floor(this.allowed)) break;
      else await this.change(signal);
    }
    this.active++;
  }

  leave(): void {
    this.active--;
    // Later, so that a failure stops those that wait before they send.
    setImmediate(() => this.wake());
  }

  answered(): void {
    // The first answer shows that address, key and model are right.
    this.allowed = this.proven ? Math.min(this.most, this.allowed + 1 / this.allowed) : this.most;
    this.proven = true;
    this.wake();
  }

  tooMany(): void {
    this.allowed = Math.max(1, this.allowed / 2);
  }

  /** Nothing is sent for so long. */
  holdFor(ms: number): void {
    this.notBefore = Math.max(this.notBefore, Date.now() + ms);
  }

  private wake(): void {
    for (const go of [...this.waiting]) go();
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.waiting.delete(go);
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.waiting.add(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }
}
