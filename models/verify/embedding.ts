import { compile, type Graph, scatterRows, type Tensor } from '../../engine/index.ts';
import { castTensor, filled, numbersOf } from './numbers.ts';

/**
 * Gradient of an embedding table [vocabulary, width] from that of the embeddings it gave. Only the rows that were looked
 * up have one; what the graph does after looking up (a scale) is differentiated. `padding`: an id whose row PyTorch
 * leaves out. Undefined where the graph does not look up rows.
 */
export async function embeddingGradient(
  graph: Graph,
  feeds: Record<string, Tensor>,
  cotangent: Tensor,
  vocabulary: number,
  padding: number | undefined,
): Promise<Tensor | undefined> {
  const lookup = graph.nodes.find(
    ({ opType, inputs }) => /^Gather/.test(opType) && inputs.some((name) => feeds[name]),
  );
  const output = graph.outputs[0]?.name;
  const ids = lookup && feeds[lookup.inputs.find((name) => feeds[name]) as string];
  if (!lookup || !ids || !output) return undefined;
  const rows =
    lookup.outputs[0] === output
      ? cotangent
      : await rowGradient(graph, feeds, cotangent, output, lookup.outputs[0] as string);
  const width = rows.dims.at(-1) as number;
  const table = new Float32Array(vocabulary * width);
  const looked = Array.from(numbersOf(ids), (id) => (id === padding ? -1 : id));
  scatterRows(table, looked, Float32Array.from(numbersOf(rows)), width);
  return { dtype: 'float32', dims: [vocabulary, width], data: table };
}

/** The gradient of the rows that a lookup gives: by zeros that are added to them. */
async function rowGradient(
  graph: Graph,
  feeds: Record<string, Tensor>,
  cotangent: Tensor,
  output: string,
  rows: string,
): Promise<Tensor> {
  const copy = graph.clone();
  const lookup = copy.nodes.findIndex(({ outputs }) => outputs[0] === rows);
  const plain = '/probe/rows';
  copy.nodes[lookup]!.outputs = [plain];
  const sum = { name: '/probe/sum', opType: 'Add', domain: '', attributes: {} };
  copy.nodes.splice(lookup + 1, 0, { ...sum, inputs: [plain, 'probe'], outputs: [rows] });
  const dtype = copy.outputs[0]?.dtype ?? 'float32';
  copy.inputs.push({ name: 'probe', dtype, dims: [...cotangent.dims] });
  const fed = {
    ...feeds,
    cotangent: castTensor(cotangent, dtype),
    probe: filled(dtype, [...cotangent.dims], 0),
  };
  const program = await compile({
    graph: copy,
    feeds: fed,
    loss: (b) => b.dotCotangent(b.value(output), b.input('cotangent')),
    wrt: ['probe'],
  });
  try {
    return (await program.run(fed, copy.initializers))['grad.probe'] as Tensor;
  } finally {
    await program.release();
  }
}
