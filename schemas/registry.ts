import { z } from 'zod';
import { ArtifactRef } from './artifact.ts';

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
/** The model that a rollout leads towards the champion's place. */
export interface Challenger extends RegistryEntry {
  share: number;
  stage: string;
  /** Digest of the champion that it is compared with; absent in entries of workers of before, as is the lease. */
  against?: string;
  /** After this time, unless it is renewed, the share goes back to the champion. */
  leaseUntil?: string;
}
const RegistryEvent = z.strictObject({
  at: z.string(),
  kind: z.enum(['registered', 'proposed', 'routed', 'promoted', 'rolled_back', 'expired', 'alias']),
  digest: z.string(),
  reason: z.string(),
  /** Who changed it: a workflow id, "import" or a person; absent in events of workers of before. */
  from: z.string().optional(),
});
export type RegistryEvent = z.infer<typeof RegistryEvent>;
/** A part of the trail in the store, with the part before it. */
export const TrailPart = z.strictObject({
  name: z.string(),
  previous: ArtifactRef.nullable(),
  events: z.array(RegistryEvent),
});
export type TrailPart = z.infer<typeof TrailPart>;

export interface RegistryState {
  name: string;
  champion: RegistryEntry | null;
  challenger: Challenger | null;
  previous: RegistryEntry | null;
  aliases: Record<string, string>;
  /** The newest events; those before them are in `trail`. */
  events: RegistryEvent[];
  /** JSON: a `TrailPart`. Absent: there are no older events, or workers of before left them in the histories alone. */
  trail?: ArtifactRef;
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

/** Whether a challenger keeps its place against others. Challengers of workers of before have no lease, and do not. */
export function holds({ leaseUntil }: Challenger, now: number): boolean {
  return leaseUntil !== undefined && Date.parse(leaseUntil) > now;
}
