import { decodeModel, encodeModel, type GraphProto, type ModelProto, type TensorProto } from './proto.ts';

const EXTERNAL = 1;

function* tensorsOf(graph: GraphProto | undefined): Generator<TensorProto> {
  yield* graph?.initializer ?? [];
  for (const { attribute = [] } of graph?.node ?? []) {
    for (const { g, t } of attribute) {
      if (t) yield t;
      if (g) yield* tensorsOf(g);
    }
  }
}

function* locationsOf(model: ModelProto): Generator<{ key: string; value: string }> {
  for (const { dataLocation, externalData = [] } of tensorsOf(model.graph)) {
    const entry = externalData.find(({ key }) => key === 'location');
    if (dataLocation === EXTERNAL && entry) yield entry;
  }
}

/** The data files that an .onnx file names, each once. Throws where the bytes are no ONNX model. */
export function externalLocations(bytes: Uint8Array): string[] {
  return [...new Set([...locationsOf(decodeModel(bytes))].map(({ value }) => value))];
}

/** The bytes of a model whose data files are named otherwise. Throws where the bytes are no ONNX model. */
export function withLocations(bytes: Uint8Array, places: ReadonlyMap<string, string>): Uint8Array {
  const model = decodeModel(bytes);
  for (const entry of locationsOf(model)) entry.value = places.get(entry.value) ?? entry.value;
  return encodeModel(model);
}
