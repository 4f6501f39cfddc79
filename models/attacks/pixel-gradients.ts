import { createHash } from 'node:crypto';
import {
  compile,
  float32Of,
  type Graph,
  Parameters,
  type Program,
  ProgramCache,
  type Tensor,
} from '../../engine/index.ts';
import { withWholeNumbers } from './whole-numbers.ts';

/** Programs kept, one a shape of picture. */
const KEPT = 16;

/** The way back from features to what an encoder was fed. */
export interface EncoderGradients {
  /**
   * The gradient by the feed `input`, of a loss whose gradient by the features is given; `feeds` are all that the encoder reads.
   * Throws GuardError BAD_MODEL naming an operation that has no gradient.
   */
  at(feeds: Record<string, Tensor>, input: string, features: Tensor): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Differentiates one graph, from its features (by name, else its first output) to a feed. */
export class GraphGradients implements EncoderGradients {
  private readonly graph: Graph;
  private readonly threads: number;
  private readonly weights: Parameters;
  private readonly programs = new ProgramCache(KEPT);

  constructor(graph: Graph, threads: number) {
    this.graph = graph;
    this.threads = threads;
    this.weights = new Parameters([...graph.initializers].filter(([, tensor]) => tensor.dtype === 'float32'));
  }

  async at(feeds: Record<string, Tensor>, input: string, features: Tensor): Promise<Float32Array> {
    const all = { ...feeds, 'cotangent.features': features };
    const program = await this.programs.get(nameOf(all), () => this.build(all, input));
    return float32Of((await program.run(all, this.weights))[`grad.${input}`]!);
  }

  close(): Promise<void> {
    return this.programs.release();
  }

  private build(feeds: Record<string, Tensor>, input: string): Promise<Program> {
    const { outputs } = this.graph;
    const { name } = outputs.find((output) => output.name === 'image_features') ?? outputs[0]!;
    const graph = withWholeNumbers(this.graph, feeds);
    const read = new Set(['cotangent.features', ...graph.inputs.map((info) => info.name)]);
    return compile({
      graph,
      feeds: Object.fromEntries(Object.entries(feeds).filter(([key]) => read.has(key))),
      loss: (b) => b.dotCotangent(b.value(name), b.input('cotangent.features')),
      wrt: [input],
      fed: 'large',
      threads: this.threads,
    });
  }
}

/** Whole numbers become part of the program: their values tell programs apart, of others their shapes alone. */
function nameOf(feeds: Record<string, Tensor>): string {
  const hash = createHash('sha256');
  for (const [name, { data, dims, dtype }] of Object.entries(feeds)) {
    hash.update(JSON.stringify([name, dims]));
    if (!/float/.test(dtype)) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('base64');
}
