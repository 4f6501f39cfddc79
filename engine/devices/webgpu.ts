import type { Graph } from '../onnx/graph.ts';
import { exactNodes } from './exact.ts';

/**
 * Operations for which the WebGPU provider of ONNX Runtime 1.30 has a kernel on floats; those of com.microsoft stand
 * behind the others. Held against the placements that ONNX Runtime reports in test/training/webgpu.test.ts.
 */
const KERNELS = new Set(
  `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip Concat Conv
  ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand Flatten Floor Gather
  GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample HardSigmoid Identity If
  InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LpNormalization MatMul MaxPool Mul Neg Not Pad Pow
  RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
  ReduceSum ReduceSumSquare Relu Reshape Resize RotaryEmbedding ScatterElements ScatterND Shape Sigmoid Sin Sinh
  SimplifiedLayerNormalization Slice Softmax Softplus Split Sqrt Squeeze Sub Tan Tanh ThresholdedRelu Tile TopK Transpose
  Unsqueeze Where
  com.microsoft.Attention com.microsoft.BiasAdd com.microsoft.BiasGelu com.microsoft.BiasSplitGelu com.microsoft.FastGelu
  com.microsoft.FusedConv com.microsoft.GatherBlockQuantized com.microsoft.Gelu com.microsoft.GroupQueryAttention
  com.microsoft.MatMulNBits com.microsoft.MultiHeadAttention com.microsoft.QuickGelu com.microsoft.RotaryEmbedding
  com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization`.split(/\s+/),
);

/** Operations of a compiled graph that WebGPU has no kernel for, with their number; what the CPU keeps on purpose is left out. */
export function webgpuFallbacks(graph: Graph): Map<string, number> {
  const exact = new Set(exactNodes(graph));
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    const name = node.domain ? `${node.domain}.${node.opType}` : node.opType;
    if (KERNELS.has(name) || exact.has(node)) continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
