import { z } from 'zod';
import { float32, GraphBuilder, int64, type Tensor } from '../../engine/index.ts';
import { gridOf, packedRows } from '../hf/families/packing.ts';
import type { Context } from './context.ts';
import { numbersOf } from './numbers.ts';
import { runStages, type StageRun } from './stages.ts';

/** What stands in the prompt where the vision encoder gives more than that. */
export const PACKED = 'packed_features';
const NEWLINE = 'image_newline';

const count = z.number().int().positive();
const Config = z.object({
  model_type: z.literal('llava_next'),
  image_grid_pinpoints: z.array(z.tuple([count, count])),
  vision_config: z.object({ image_size: count, patch_size: count }),
  image_newline: z.array(z.number()).optional(),
});

/**
 * LLaVA-NeXT's step from the features of tiles to those in the prompt, which exports leave to who runs them, as one more
 * stage behind `features`. Undefined where there is no such step, or the encoder takes it.
 */
export async function packFeatures(
  { config, pool, sizes }: Context,
  features: { run: StageRun; output: string },
  taken: ReadonlySet<string>,
): Promise<StageRun | undefined> {
  const { data: keys } = Config.safeParse(config);
  const picture = pool.get('image_sizes');
  const given = features.run.results[features.output] as Tensor;
  const line = features.run.results[NEWLINE];
  if (!keys || !picture || !(line || keys.image_newline)) return undefined;
  const [height, width] = numbersOf(picture) as unknown as [number, number];
  const { image_size, patch_size } = keys.vision_config;
  const { columns, rows } = gridOf({ height, width }, keys.image_grid_pinpoints, image_size);
  const side = Math.floor(image_size / patch_size);
  const channels = given.dims.at(-1) as number;
  if (given.data.length !== (rows * columns + 1) * side ** 2 * channels) return undefined;
  const kept = packedRows([rows, columns, height, width], side);
  const b = new GraphBuilder('packing of image features');
  const tiles = b.input(features.output, 'float32', [...given.dims]);
  if (!pool.has(NEWLINE)) pool.set(NEWLINE, float32([channels], keys.image_newline ?? []));
  const newline = b.input(NEWLINE, 'float32', [channels]);
  const inRows = b.constant([-1, channels]);
  const all = b.op('Concat', [b.op('Reshape', [tiles, inRows]), b.op('Reshape', [newline, inRows])], {
    axis: 0,
  });
  const packed = b.op('Gather', [all, b.constant(int64([kept.length], kept))], { axis: 0 });
  b.output(PACKED, packed, 'float32', [kept.length, channels]);
  const [run] = await runStages([b.build()], pool, sizes, taken);
  return run;
}
