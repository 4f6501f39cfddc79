/** A Temporal CLI that can be run. */
export interface Executable {
  path: string;
}

/** One place that a Temporal CLI may come from. */
export interface Source {
  name: string;
  /** The executable, or in one line why there is none. Never throws for what a user's machine may be like. */
  find(log: (line: string) => void): Promise<Executable | { problem: string }>;
  /** The same question without downloading anything. */
  inspect(): Promise<{ available: boolean; detail: string }>;
}
