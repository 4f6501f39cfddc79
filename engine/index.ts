export { AdamW, type AdamWOptions, scatterRows } from './adamw.ts';
export { clipScale, gradientNorm } from './clip.ts';
export { type CompileOptions, compile, compileGraph, largeWeights } from './compile.ts';
export { DeviceAdamW } from './devices/adamw.ts';
export { chooseDevice, onlySoftware, probeDevice } from './devices/choose.ts';
export { inspectCuda } from './devices/cuda/inspect.ts';
export {
  cudaFolder,
  cudaPlatform,
  type InstalledSet,
  installedSets,
  nodePackage,
  readSet,
  usableSet,
} from './devices/cuda/installed.ts';
export { loadCuda } from './devices/cuda/load.ts';
export { type CudaSet, cudaSet, type PinnedWheel, providerFiles, sizesOf } from './devices/cuda/pins.ts';
export { type DeviceTensor, DeviceTensors } from './devices/resident.ts';
export { webgpuFallbacks } from './devices/webgpu.ts';
export type { TypedValue } from './ir/value.ts';
export {
  applyLora,
  dropoutInput,
  type LinearModule,
  type LoraOptions,
  loraModules,
  loraNames,
  mergeLora,
  newAdapters,
  type PeftOptions,
  peftAdapter,
  peftFiles,
} from './lora/index.ts';
export { LossBuilder } from './losses.ts';
export { graphInFloat32 } from './lowering/half.ts';
export { estimateMemory } from './memory.ts';
export { type Module, modulesOf } from './modules/modules.ts';
export { type NamedPlace, namedPlaces, nameFit } from './modules/names.ts';
export type { Place } from './modules/parts.ts';
export { type Probe, type ProbeTarget, withProbes } from './modules/probe.ts';
export { type BuilderOptions, GraphBuilder, type Value } from './onnx/builder.ts';
export { decodeGraph, decodeTensor, encodeGraph } from './onnx/codec.ts';
export { externalLocations, withLocations } from './onnx/external.ts';
export { loadGraph, loadHeader, saveGraph } from './onnx/file.ts';
export {
  type Attribute,
  type AttributeValue,
  attribute,
  Graph,
  listAttribute,
  type Node,
  numberAttribute,
  stringAttribute,
  type ValueInfo,
} from './onnx/graph.ts';
export { float32Of, floatsOf, inFloatType, withFloats } from './onnx/half.ts';
export { keepPositions, keptPositions } from './onnx/positions.ts';
export {
  type DType,
  elementCount,
  float32,
  fromBytes,
  int64,
  type Tensor,
  type TensorData,
  toNumbers,
} from './onnx/tensor.ts';
export { InferenceSession } from './ort.ts';
export { type FloatTensor, Parameters } from './parameters.ts';
export { Program, type TensorSource } from './program.ts';
export { ProgramCache } from './program-cache.ts';
export { GraphRefused } from './refused.ts';
export { decodeSafeTensors, encodeSafeTensors, type SafeTensors } from './safetensors.ts';
export { type CosineOptions, cosineSchedule } from './schedule.ts';
export { fromOrt, openSession, providersOf, type SessionOptions, toOrt } from './session.ts';
export { addInto } from './simd.ts';
export { gradientRefusal, type OperationSupport, operationSupport } from './support.ts';
export {
  cancelled,
  onHungThread,
  runInThread,
  serveThread,
  type ThreadContext,
  type ThreadOptions,
  threadEntry,
} from './thread.ts';
export { neededNodes } from './trace.ts';
export { untie } from './untie.ts';
