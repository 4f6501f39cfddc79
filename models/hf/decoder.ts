import { readFile, stat } from 'node:fs/promises';
import {
  float32Of,
  type Graph,
  inFloatType,
  keepPositions,
  keptPositions,
  loadGraph,
  type Tensor,
} from '../../engine/index.ts';
import type { Device } from '../../schemas/device.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type Declared, openFile, type Runner } from '../session.ts';

/** Bytes inside one .onnx file (its external data apart) beyond which it is opened as it is. */
const EDITABLE = 1_500_000_000;
const PAST = /^past_key_values\..*\.(key|value)$/;

/** Keys and values of tokens that were run, by the names of the inputs that take them: [rows, heads, length, size] each. */
export interface Past {
  length: number;
  tensors: ReadonlyMap<string, Tensor>;
}

/** New tokens, padded on the right: a causal decoder's answers do not depend on what stands behind them. */
export interface DecoderBatch {
  rows: number;
  length: number;
  /** [rows, length, width]. */
  embeds: Float32Array;
  /** Tokens of each row; the rest is padding. */
  lengths: readonly number[];
  /** [axes, rows, length]: one axis, or three for rotary positions over time, height and width. */
  positions: BigInt64Array;
  past?: Past;
}

/** A decoder in the layout `decoder_model_merged`, whatever it takes besides the embeddings. */
export class Decoder {
  readonly path: string;
  readonly threads: number;
  readonly device: Device;
  readonly width: number;
  /** Whether its positions have three axes. */
  readonly axes: 1 | 3;
  readonly takesPast: boolean;
  private readonly runner: Runner;
  private readonly inputs: ReadonlyMap<string, Declared>;

  private constructor(
    path: string,
    { threads, device }: { threads: number; device: Device },
    runner: Runner,
    width: number,
  ) {
    this.path = path;
    this.threads = threads;
    this.device = device;
    this.runner = runner;
    this.width = width;
    this.inputs = runner.declared.inputs;
    this.axes = this.inputs.get('position_ids')?.dims.length === 3 ? 3 : 1;
    const outputs = runner.declared.outputs;
    const past = [...this.inputs.keys()].filter((name) => PAST.test(name));
    this.takesPast = past.length > 0 && past.every((name) => outputs.has(presentOf(name)));
  }

  /** The width of the embeddings by the graph; undefined: it does not say. */
  get takes(): number | undefined {
    const width = this.inputs.get('inputs_embeds')?.dims.at(-1);
    return typeof width === 'number' && width > 0 ? width : undefined;
  }

  /** Throws GuardError BAD_MODEL naming the file, and the input that is not known. */
  static async open(path: string, width: number, threads: number, device: Device = 'cpu'): Promise<Decoder> {
    const { size } = await stat(path);
    const edited = size < EDITABLE ? edit(await readFile(path)) : undefined;
    const runner = await openFile(path, threads, { bytes: edited, device });
    const decoder = new Decoder(path, { threads, device }, runner, width);
    try {
      decoder.feeds({
        rows: 1,
        length: 0,
        embeds: new Float32Array(0),
        lengths: [0],
        positions: new BigInt64Array(0),
      });
      if (!decoder.runner.declared.outputs.has('logits')) throw decoder.bad("has no output named 'logits'");
      return decoder;
    } catch (cause) {
      await decoder.close();
      throw cause;
    }
  }

  /** Bytes of the keys and values of one token. */
  get bytesPerToken(): number {
    const past = [...this.inputs].filter(([name]) => PAST.test(name));
    return past.reduce(
      (sum, [, { dims, dtype }]) => sum + sizeOf(dims[1]) * sizeOf(dims[3]) * (dtype === 'float16' ? 2 : 4),
      0,
    );
  }

  /** Logits [rows, vocabulary] at each row's last token. */
  async lastLogits(batch: DecoderBatch): Promise<Float32Array> {
    const { logits } = await this.runner.run(this.feeds(batch), ['logits']);
    const all = float32Of(logits as Tensor);
    const [rows, length, vocabulary] = (logits as Tensor).dims as [number, number, number];
    const last = length === 1 ? all : lastOf(all, batch.lengths, length, vocabulary);
    if (!last.every(Number.isFinite)) {
      throw this.bad(
        'its logits are not finite; the weights are damaged, or the precision is too small for them',
      );
    }
    return rows === batch.rows ? last : last.subarray(0, batch.rows * vocabulary);
  }

  /** Keys and values of all rows' tokens. */
  async cache(batch: DecoderBatch): Promise<Past> {
    const names = [...this.inputs.keys()].filter((name) => PAST.test(name));
    const results = await this.runner.run(this.feeds(batch), names.map(presentOf));
    const tensors = new Map(names.map((name) => [name, results[presentOf(name)] as Tensor]));
    return { length: batch.length + (batch.past?.length ?? 0), tensors };
  }

  /** Everything that the graph reads. Throws GuardError BAD_MODEL naming an input that is not known. */
  feeds(batch: DecoderBatch): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const [name, declared] of this.inputs) feeds[name] = this.feed(name, declared, batch);
    return feeds;
  }

  /** The graph for differentiation, its logits those of each row's last token. Throws GuardError BAD_MODEL. */
  async graph(): Promise<Graph> {
    return loadGraph(this.path, (bytes) => edit(bytes) ?? bytes);
  }

  close(): Promise<void> {
    return this.runner.close();
  }

  private feed(name: string, { dtype, dims }: Declared, batch: DecoderBatch): Tensor {
    const { length, lengths, past, positions, rows } = batch;
    const before = past?.length ?? 0;
    if (name === 'inputs_embeds') return floats(batch.embeds, [rows, length, this.width], dtype);
    if (name === 'attention_mask') return attentionMask(rows, before, length, lengths);
    if (name === 'position_ids') {
      return { dtype: 'int64', dims: this.axes === 3 ? [3, rows, length] : [rows, length], data: positions };
    }
    if (name === keptPositions) {
      const kept = new Float32Array(rows * length);
      for (const [row, count] of lengths.entries()) if (count > 0) kept[row * length + count - 1] = 1;
      return floats(kept, [rows, 1, length], dtype);
    }
    // 0 keeps all; the head's own input is cut down instead.
    if (name === 'num_logits_to_keep') return { dtype: 'int64', dims: [], data: new BigInt64Array(1) };
    if (name === 'use_cache_branch') return { dtype: 'bool', dims: [1], data: Uint8Array.of(past ? 1 : 0) };
    if (PAST.test(name)) {
      return (
        past?.tensors.get(name) ??
        floats(new Float32Array(0), [rows, sizeOf(dims[1]), 0, sizeOf(dims[3])], dtype)
      );
    }
    throw this.bad(`takes an input '${name}' that is not known here; export it as decoder_model_merged`);
  }

  private bad(what: string): GuardError {
    return new GuardError(ErrorCode.BadModel, `${this.path}: ${what}`);
  }
}

/** Undefined where the bytes are no ONNX model, too: ONNX Runtime then says so. */
function edit(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return keepPositions(bytes);
  } catch {
    return undefined;
  }
}

function presentOf(past: string): string {
  return past.replace('past_key_values', 'present');
}

function sizeOf(dim: number | string | undefined): number {
  return typeof dim === 'number' ? dim : 0;
}

function floats(data: Float32Array, dims: number[], dtype: Tensor['dtype']): Tensor {
  return inFloatType({ dtype: 'float32', dims, data }, dtype);
}

function attentionMask(rows: number, before: number, length: number, lengths: readonly number[]): Tensor {
  const total = before + length;
  const data = new BigInt64Array(rows * total);
  for (const [row, count] of lengths.entries()) data.fill(1n, row * total, row * total + before + count);
  return { dtype: 'int64', dims: [rows, total], data };
}

function lastOf(
  all: Float32Array,
  lengths: readonly number[],
  length: number,
  vocabulary: number,
): Float32Array {
  const last = new Float32Array(lengths.length * vocabulary);
  for (const [row, count] of lengths.entries()) {
    const at = (row * length + count - 1) * vocabulary;
    last.set(all.subarray(at, at + vocabulary), row * vocabulary);
  }
  return last;
}
