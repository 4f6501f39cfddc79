import { z } from 'zod';
import type { Tensor } from '../../engine/index.ts';
import { differenceOf, largestOf } from './compare.ts';
import type { FolderGraphs } from './graphs.ts';
import type { Sizes } from './inputs.ts';
import type { Reference } from './reference.ts';

/** One array of the reference beside what the engine computed. */
export interface Check {
  name: string;
  /** Largest absolute difference, and the same over the stored tensor's largest magnitude. */
  maxAbs: number;
  maxRel: number;
  /** `maxRel` is within the tolerance. */
  ok: boolean;
}

/** Memory is estimated from these. */
const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 20);

/** The keys of config.json that help; those of text_config beside them. None is required. */
export const Config = z.looseObject({
  image_token_index: z.number().nullish(),
  image_token_id: z.number().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  pad_token_id: z.number().nullish(),
  num_attention_heads: size.nullish(),
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_size: size.nullish(),
  text_config: z.looseObject({}).nullish(),
});
export type Config = z.infer<typeof Config>;

/**
 * A gradient below the first share of the largest one is zero in exact arithmetic (a key's bias under softmax): what is
 * stored is rounding, and is compared with the second share, so that another rounding of this size is within 1e-3.
 */
const ZERO = { below: 1e-6, scale: 1e-3 };

/** What the steps of a verification share. */
export class Context {
  readonly reference: Reference;
  readonly config: Config;
  readonly graphs: FolderGraphs;
  readonly sizes: Sizes;
  readonly log: (line: string) => void;
  /** Arrays by name: the reference's, and what graphs gave beyond them. */
  readonly pool: Map<string, Tensor>;
  private readonly checks = new Map<string, Check>();
  private readonly tolerance: number;
  private readonly zero: { below: number; scale: number };

  constructor(
    reference: Reference,
    config: Config,
    graphs: FolderGraphs,
    options: { tolerance: number; log: (line: string) => void },
  ) {
    this.reference = reference;
    this.config = config;
    this.graphs = graphs;
    this.log = options.log;
    this.tolerance = options.tolerance;
    this.pool = new Map(reference.arrays);
    this.sizes = sizesOf(reference, config);
    const gradients = [...reference.arrays].filter(([name]) => name.startsWith('grad.'));
    const largest = Math.max(0, ...gradients.map(([, tensor]) => largestOf(tensor)));
    this.zero = { below: ZERO.below * largest, scale: ZERO.scale * largest };
  }

  stored(name: string): Tensor | undefined {
    return this.reference.arrays.get(name);
  }

  /** Names of stored arrays that a pattern matches. */
  names(pattern: RegExp): string[] {
    return [...this.reference.arrays.keys()].filter((name) => pattern.test(name));
  }

  /** How far off `found` would be as the stored array `name`. */
  distance(name: string, found: Tensor): number {
    return differenceOf(found, this.stored(name) as Tensor, this.zero).maxRel;
  }

  /** Compares with the stored array of this name; nothing where there is none or it was compared already. */
  check(name: string, found: Tensor): void {
    const expected = this.stored(name);
    if (!expected || this.checks.has(name)) return;
    const zero = name.startsWith('grad.') ? this.zero : undefined;
    const { maxAbs, maxRel } = differenceOf(found, expected, zero);
    this.checks.set(name, { name, maxAbs, maxRel, ok: maxRel <= this.tolerance });
  }

  /** The checks in the order of the index; `log` hears which results could not be compared. */
  finish(): Check[] {
    const results = /^(image_features|inputs_embeds|logits|loss|step_logits|present.*|grad\..*)$/;
    return [...this.reference.arrays.keys()].flatMap((name) => {
      const check = this.checks.get(name);
      if (!check && results.test(name)) this.log(`${name}: not compared, the folder lacks what computes it`);
      return check ?? [];
    });
  }
}

function sizesOf({ arrays }: Reference, config: Config): Sizes {
  const tokens = arrays.get('inputs_embeds') ?? arrays.get('input_ids');
  const [batch = 1, length = 1] = tokens?.dims ?? [];
  const cache = [...arrays].find(([name]) => /^present.*key/.test(name))?.[1].dims;
  const heads = config.num_attention_heads;
  const width = config.hidden_size && heads ? config.hidden_size / heads : undefined;
  return {
    batch,
    length,
    past: 0,
    heads: cache?.[1] ?? config.num_key_value_heads ?? heads ?? undefined,
    headDim: cache?.[3] ?? config.head_dim ?? width,
  };
}
