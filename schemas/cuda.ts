import { z } from 'zod';

const Kept = z.object({ name: z.string(), bytes: z.int().nonnegative(), sha256: z.string() });

/** What lies in a folder of installed CUDA libraries, in manifest.json. */
export const CudaManifest = z.object({
  set: z.string(),
  onnxruntime: z.string(),
  installedAt: z.iso.datetime(),
  /** From which index the wheels came. */
  index: z.string(),
  runtime: Kept,
  packages: z.array(
    z.object({
      project: z.string(),
      version: z.string(),
      licence: z.string(),
      wheel: Kept,
      /** Libraries, and texts below licenses/. */
      files: z.array(Kept),
    }),
  ),
});
export type CudaManifest = z.infer<typeof CudaManifest>;
