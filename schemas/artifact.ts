import { z } from 'zod';

export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is "sha256:" and 64 hex digits');
export type Digest = z.infer<typeof Digest>;

/** The names that `mediaType` may have. */
export const MediaType = {
  Parquet: 'application/vnd.apache.parquet',
  Arrow: 'application/vnd.apache.arrow.file',
  Json: 'application/json',
  Html: 'text/html',
  Csv: 'text/csv',
  Png: 'image/png',
  Onnx: 'application/onnx',
  Binary: 'application/octet-stream',
  /** JSON in the form of Temporal's own tools, compressed by gzip. */
  History: 'application/vnd.modality-guard.history+gzip',
  /** JSON: a `ModelManifest`. */
  Model: 'application/vnd.modality-guard.model+json',
  /** JSON: a `StepManifest`. */
  Step: 'application/vnd.modality-guard.step+json',
} as const;

/** What travels through Temporal in place of the bytes. */
export const ArtifactRef = z.strictObject({
  digest: Digest,
  mediaType: z.string(),
  bytes: z.number().int().nonnegative(),
  /** Rows of a table; absent for anything else. */
  rows: z.number().int().nonnegative().optional(),
});
export type ArtifactRef = z.infer<typeof ArtifactRef>;

/** A model folder as an artifact: relative path -> file. Its own digest names the model. */
export const ModelManifest = z.strictObject({
  kind: z.literal('model'),
  name: z.string(),
  files: z.record(z.string(), ArtifactRef),
});
export type ModelManifest = z.infer<typeof ModelManifest>;

/** What a step did: enough to repeat it and to check it. */
export const StepManifest = z.strictObject({
  kind: z.literal('step'),
  step: z.string(),
  codeVersion: z.string(),
  /** Digest of step name, code version, parameters and input digests. */
  cacheKey: Digest,
  parameters: z.record(z.string(), z.unknown()),
  seed: z.number().int().nullable(),
  inputs: z.record(z.string(), ArtifactRef),
  outputs: z.record(z.string(), ArtifactRef),
  /** The step's small result, as the workflow saw it. */
  result: z.unknown(),
  startedAt: z.string(),
  seconds: z.number(),
});
export type StepManifest = z.infer<typeof StepManifest>;
