/**
 * A process of its own, because a broken driver may take the process with it: computes 1+1 and 2+2 on the provider named by
 * the argument. Prints what went wrong and ends with 1.
 */
import { InferenceSession, OrtTensor } from '../ort.ts';
import { loadCuda } from './cuda/load.ts';
import { openLibrary } from './cuda/open-library.ts';
import { driverFile } from './cuda/pins.ts';

/** ONNX, opset 17: y = x + x over float32[2]. */
const doubling = 'CAgSADo1Cg4KAXgKAXgSAXkiA0FkZBIBZ1oPCgF4EgoKCAgBEgQKAggCYg8KAXkSCgoICAESBAoCCAJCBAoAEBE=';

/** Of a library that is missing ONNX Runtime says only that something does not load. */
function prepareCuda(): void {
  loadCuda();
  const problem = openLibrary(driverFile);
  if (problem !== null) throw new Error(problem);
}

try {
  if (process.argv[2] === 'cuda') prepareCuda();
  const session = await InferenceSession.create(Buffer.from(doubling, 'base64'), {
    executionProviders: [process.argv[2] ?? 'cpu'],
    logSeverityLevel: 4,
  });
  const { y } = await session.run({ x: new OrtTensor('float32', [1, 2], [2]) });
  const values = Array.from(y?.data as Float32Array);
  if (values.join() !== '2,4') throw new Error(`1+1, 2+2 gave ${values.join()}`);
  process.exit(0);
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
