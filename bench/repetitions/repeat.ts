import { compile, GraphBuilder, type Program, type Tensor, type Value } from '../../engine/index.ts';
import { type RepeatedRule, tensorOf } from './cases.ts';

/** A program of one rule with its feeds. */
async function programOf(test: RepeatedRule, threads: number): Promise<[Program, Record<string, Tensor>]> {
  const b = new GraphBuilder(test.rule, { opset: test.opset ?? 17 });
  const feeds: Record<string, Tensor> = {};
  const args = test.args.map((arg, i): Value | null => {
    if (!arg || !('shape' in arg)) return arg && b.constant(arg);
    const drawn = tensorOf(arg.shape, i);
    feeds[`x${i}`] = arg.positive ? { ...drawn, data: (drawn.data as Float32Array).map(Math.abs) } : drawn;
    return b.input(`x${i}`, 'float32', [...arg.shape]);
  });
  const at = test.rule.lastIndexOf('.');
  const options = at < 0 ? {} : { domain: test.rule.slice(0, at) };
  const outputs = b.ops(test.rule.slice(at + 1), args, test.outputs ?? 1, test.attributes, options);
  b.output('y', outputs[0] as Value);
  const program = await compile({
    graph: b.build(),
    feeds,
    loss: (l) => l.dotCotangent(l.value('y'), l.value('y')),
    wrt: Object.keys(feeds),
    threads,
  });
  return [program, feeds];
}

/** How many of `repetitions` runs of a rule's gradients differ in any bit from the first run. */
export async function differingRuns(
  test: RepeatedRule,
  repetitions: number,
  threads: number,
): Promise<number> {
  const [program, feeds] = await programOf(test, threads);
  const bytesOf = async () =>
    Object.values(await program.run(feeds)).map(({ data }) =>
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    );
  const first = await bytesOf();
  let differing = 0;
  for (let run = 1; run < repetitions; run++) {
    const again = await bytesOf();
    if (again.some((bytes, i) => !bytes.equals(first[i] as Buffer))) differing++;
  }
  await program.release();
  return differing;
}
