import type { ArtifactRef } from './artifact.ts';

/** What two models must have in common to be compared: `fingerprint` is one of architecture and tokenizer. */
export interface Comparable {
  /** Absent in entries that were made before there were any. */
  family?: string;
  fingerprint?: string;
}

/** A model in the registry. */
export interface RegistryEntry extends Comparable {
  model: ArtifactRef;
  since: string;
  /** Where it comes from: a workflow id or "import". */
  from: string;
}
export interface RegistryEvent {
  at: string;
  kind: 'registered' | 'proposed' | 'routed' | 'promoted' | 'rolled_back' | 'alias';
  digest: string;
  reason: string;
}
export interface RegistryState {
  name: string;
  champion: RegistryEntry | null;
  challenger: (RegistryEntry & { share: number; stage: string }) | null;
  previous: RegistryEntry | null;
  aliases: Record<string, string>;
  /** The newest events; the whole trail is the workflow's history. */
  events: RegistryEvent[];
}

/** Why a model cannot be compared with the champion of a name, or take its place; null: it can, or nothing is known of one. */
export function incomparable(name: string, champion: Comparable, other: Comparable): string | null {
  const [before, after] = [champion.fingerprint, other.fingerprint];
  if (before === undefined || after === undefined || before === after) return null;
  const differ =
    champion.family === other.family
      ? `both are of the family ${champion.family}, but their architecture or tokenizer differs`
      : `the champion is of the family ${champion.family}, this model of the family ${other.family}`;
  return `the registry's "${name}" is another model: ${differ}. They cannot be compared, proposed or promoted against each other; give this one a name of its own with --model-name`;
}
