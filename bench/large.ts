/**
 * Child processes of the comparison of a large training session. node dist/bench/large.js write <file> <LargeSizes as JSON>
 * writes a decoder with random weights; `train <file> <threads> <steps>` loads it, makes a LoRA training session of it and takes
 * steps on short text. Prints one JSON line for each, with seconds and bytes of memory.
 */
import {
  AdamW,
  applyLora,
  compile,
  float32,
  int64,
  loadGraph,
  loraModules,
  newAdapters,
  Parameters,
  saveGraph,
  type Tensor,
} from '../engine/index.ts';
import { Random } from '../random/index.ts';
import { type LargeSizes, largeDecoder } from './large-decoder.ts';
import { peakBytes, residentBytes } from './memory.ts';

const rows = 1;
const length = 16;
const lora = { rank: 8, alpha: 16, seed: 1 };
/** Steps before memory is first read: V8 and ONNX Runtime have then found their size. */
const settled = 20;

const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function write(file: string, sizes: LargeSizes): Promise<void> {
  const graph = largeDecoder(sizes);
  await saveGraph(graph, file);
  const bytes = [...graph.initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  answer({ bytes });
}

async function train(file: string, threads: number, steps: number): Promise<void> {
  const start = residentBytes();
  const begin = performance.now();
  const decoder = await loadGraph(file);
  const modules = loraModules(decoder, /[qv]_proj$/);
  const adapters = new Parameters(newAdapters(modules, lora));
  const graph = applyLora(decoder, modules, adapters, lora);
  const width = graph.inputs.find(({ name }) => name === 'inputs_embeds')!.dims![2] as number;
  const random = new Random(1, 'large');
  const embeds = Array.from({ length: rows * length * width }, () => random.normal());
  const feeds: Record<string, Tensor> = {
    inputs_embeds: float32([rows, length, width], embeds),
    position_ids: int64(
      [rows, length],
      embeds.slice(0, rows * length).map((_, i) => i % length),
    ),
    answers: int64([rows], new Array(rows).fill(7)),
  };
  const program = await compile({
    graph,
    feeds,
    loss: (b) => b.crossEntropy(b.last(b.value('logits')), b.input('answers')),
    wrt: adapters.names,
    fed: 'large',
    threads,
  });
  const seconds = (performance.now() - begin) / 1000;
  const optimizer = new AdamW();
  const losses: number[] = [];
  answer({ seconds, memory: peakBytes() - start });
  let early = 0;
  for (let step = 0; step < steps; step++) {
    const results = await program.run(feeds, graph.initializers);
    const gradients = Object.fromEntries(adapters.names.map((name) => [name, results[`grad.${name}`]!]));
    optimizer.step(adapters, gradients, { learningRate: 1e-4 });
    losses.push(Number(results.loss!.data[0]));
    if (step + 1 === settled) early = residentBytes();
  }
  answer({
    memory: peakBytes() - start,
    growth: residentBytes() - early,
    first: losses[0]!,
    last: losses.at(-1)!,
    stepSeconds: (performance.now() - begin) / 1000 / steps - seconds / steps,
  });
  await program.release();
}

const [command, file, ...rest] = process.argv.slice(2) as [string, string, string, string];
const work =
  command === 'write' ? write(file, JSON.parse(rest[0])) : train(file, Number(rest[0]), Number(rest[1]));
work.catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
