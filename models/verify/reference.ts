import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type DType, elementCount, fromBytes, type Tensor } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { checked, readJsonFile } from '../json.ts';

const Index = z.record(
  z.string(),
  z.object({
    dtype: z.enum([
      'float32',
      'float64',
      'float16',
      'bfloat16',
      'int64',
      'int32',
      'int16',
      'int8',
      'uint8',
      'uint16',
      'uint32',
      'bool',
    ]),
    shape: z.array(z.number().int().nonnegative()),
    offset: z.number().int().nonnegative(),
    nbytes: z.number().int().nonnegative(),
  }),
);

const Details = z.object({
  answer_id: z.number().int().nonnegative().optional(),
  weight_to_initializer: z
    .record(z.string(), z.object({ initializer: z.string(), transposed: z.boolean().optional() }))
    .optional(),
});

/** What PyTorch computed for one input. */
export interface Reference {
  arrays: ReadonlyMap<string, Tensor>;
  /** reference.json, where there is one. */
  answerId?: number;
  initializers: Readonly<Record<string, { initializer: string }>>;
}

/**
 * Reads reference.index.json, reference.bin and, where it is there, reference.json of a folder.
 * Throws GuardError BAD_INPUT naming the file, and the array where one does not fit.
 */
export async function readReference(folder: string): Promise<Reference> {
  const indexPath = join(folder, 'reference.index.json');
  const binPath = join(folder, 'reference.bin');
  const index = await readJson(indexPath, Index);
  const bytes = await readFile(binPath).catch((cause: Error) => {
    throw new GuardError(
      ErrorCode.BadInput,
      `${binPath}: cannot be read (${cause.message}); a folder to verify holds reference.bin and reference.index.json`,
      { cause },
    );
  });
  const arrays = new Map<string, Tensor>();
  for (const [name, { dtype, shape, offset, nbytes }] of Object.entries(index)) {
    const wrong = (what: string) => new GuardError(ErrorCode.BadInput, `${binPath}: array '${name}' ${what}`);
    if (offset + nbytes > bytes.byteLength) {
      throw wrong(
        `ends at byte ${offset + nbytes}, the file has ${bytes.byteLength}: it is cut off; write it again`,
      );
    }
    const part = bytes.subarray(offset, offset + nbytes);
    try {
      arrays.set(name, fromBytes(dtype as DType, shape, part));
    } catch {
      throw wrong(
        `is ${dtype} [${shape}] of ${elementCount(shape)} elements in the index, which ${nbytes} bytes do not hold`,
      );
    }
  }
  const details = await readJson(join(folder, 'reference.json'), Details, {});
  return {
    arrays,
    ...(details.answer_id === undefined ? {} : { answerId: details.answer_id }),
    initializers: details.weight_to_initializer ?? {},
  };
}

/** Throws GuardError BAD_INPUT naming the file; an absent file is `absent`, where that is given. */
export async function readJson<T>(path: string, schema: z.ZodType<T>, absent?: T): Promise<T> {
  if (absent !== undefined && !existsSync(path)) return absent;
  const code = ErrorCode.BadInput;
  return checked(schema, await readJsonFile(path, code), path, { code });
}
