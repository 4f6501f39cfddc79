import type { ArtifactRef } from './artifact.ts';

/** A model in the registry. */
export interface RegistryEntry {
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
