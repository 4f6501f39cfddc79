/** So many items wait at most: whoever is quicker waits for the other. */
const most = 1024;

/** What one side pushes another takes, in order: so that one pass over a source can fill two files. */
export class Queue<T> implements AsyncIterable<T> {
  private items: T[] = [];
  private wake: (() => void) | undefined;
  private room: (() => void) | undefined;
  private ended = false;
  private failure: { error: unknown } | undefined;
  private closed: { error: unknown } | undefined;

  /** How many items wait. */
  get length(): number {
    return this.items.length;
  }

  /** Resolves when there is room for another. @throws what the taker has failed with */
  async push(item: T): Promise<void> {
    if (this.closed) throw this.closed.error;
    this.items.push(item);
    this.wake?.();
    if (this.items.length < most) return;
    await new Promise<void>((resolve) => {
      this.room = resolve;
    });
    if (this.closed) throw (this.closed as { error: unknown }).error;
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** The taker gets this error once it has taken what was pushed. */
  fail(error: unknown): void {
    this.failure = { error };
    this.end();
  }

  /** The taker takes no more: whoever pushes gets this error. */
  close(error: unknown): void {
    this.closed = { error };
    this.room?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.items.length > 0) {
        const taken = this.items;
        this.items = [];
        this.room?.();
        yield* taken;
      }
      if (this.failure) throw this.failure.error;
      if (this.ended) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
