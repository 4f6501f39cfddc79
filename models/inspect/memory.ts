import {
  applyLora,
  type CompileOptions,
  estimateMemory,
  float32,
  type Graph,
  int64,
  loraModules,
  newAdapters,
  type Tensor,
} from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { resolveInputs, type Sizes } from '../verify/inputs.ts';

export interface MemoryEstimate {
  batch: number;
  length: number;
  /** Bytes of all weights of one precision of the folder. */
  weights: number;
  /** Bytes in all: weights, and what one batch needs beside them. Null where it cannot be done; `reasons` says why. */
  diagnosis: number | null;
  attack: number | null;
  lora: number | null;
  reasons: string[];
}

/** The adapters that an estimate is made for. */
export const LORA = { targets: /\.(q|v)_proj$/, rank: 8 };

/** An estimate for the decoder from its header; each program is built but not opened. */
export async function estimate(
  decoder: Graph,
  weights: number,
  hidden: number,
  sizes: Sizes,
): Promise<MemoryEstimate> {
  const { batch, length } = sizes;
  const pool = new Map<string, Tensor>([
    ['inputs_embeds', float32([batch, length, hidden], new Float32Array(batch * length * hidden))],
    ['input_ids', int64([batch, length], new Float64Array(batch * length))],
  ]);
  const reasons = new Set<string>();
  const attempt = async (more: () => Promise<number>): Promise<number | null> => {
    try {
      return weights + (await more());
    } catch (error) {
      if (!(error instanceof GuardError)) throw error;
      reasons.add(error.message);
      return null;
    }
  };
  const options = (): CompileOptions => {
    const { feeds } = resolveInputs(decoder, pool, sizes, new Set());
    return {
      graph: decoder,
      feeds: { ...feeds, answers: int64([batch], new Array(batch).fill(0)) },
      fed: 'large',
    };
  };
  const logits = decoder.outputs.find(({ name }) => /logits/i.test(name))!.name;
  const loss: CompileOptions['loss'] = (b) => b.crossEntropy(b.last(b.value(logits)), b.input('answers'));
  return {
    batch,
    length,
    weights,
    diagnosis: await attempt(() => estimateMemory({ ...options(), outputs: [logits] })),
    attack: await attempt(() => estimateMemory({ ...options(), loss, wrt: [embedsOf(decoder)] })),
    lora: await attempt(async () => {
      const modules = loraModules(decoder, LORA.targets);
      const lora = { rank: LORA.rank, alpha: 2 * LORA.rank, seed: 0 };
      const adapters = newAdapters(modules, lora);
      const graph = applyLora(decoder, modules, adapters, lora);
      const trained = [...adapters.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
      // The optimizer keeps two moments of each trained number.
      return 3 * trained + (await estimateMemory({ ...options(), graph, loss, wrt: [...adapters.keys()] }));
    }),
    reasons: [...reasons],
  };
}

function embedsOf({ inputs, source }: Graph): string {
  const found = inputs.find(({ name, dtype }) => /float/.test(dtype ?? '') && !/past|cache/.test(name));
  if (!found)
    throw new GuardError(
      ErrorCode.BadModel,
      `${source}: takes no embeddings, so that there are none to attack`,
    );
  return found.name;
}
