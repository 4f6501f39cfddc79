import { activations } from './activations.ts';
import { einsum } from './einsum.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { reducing } from './reducing.ts';
import type { Rule } from './rule.ts';
import { shaping } from './shaping.ts';
import { windows } from './windows.ts';

/** The derivative of every operation that has one here; names outside the standard domain carry their domain. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...elementwise,
  ...activations,
  ...linear,
  ...windows,
  ...shaping,
  ...indexing,
  ...reducing,
  Einsum: einsum,
};

/** Operations without a derivative: their results are whole numbers, truth values, steps or drawn at random. */
export const NOT_DIFFERENTIABLE: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'Bernoulli',
  'BitShift',
  'BitwiseAnd',
  'BitwiseNot',
  'BitwiseOr',
  'BitwiseXor',
  'BlackmanWindow',
  'Ceil',
  'Constant',
  'ConstantOfShape',
  'DynamicQuantizeLinear',
  'Equal',
  'EyeLike',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'HammingWindow',
  'HannWindow',
  'Hardmax',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'Multinomial',
  'NonMaxSuppression',
  'NonZero',
  'Not',
  'OneHot',
  'Or',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Range',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
]);

const FOR_INFERENCE = 'in training mode it changes between runs; export the model for inference';
const EXPERTS = 'which experts run changes from token to token; train or attack a dense model of the family';
const EXPORT_PRIMITIVES = 'export the model with the operations that it stands for written out';
const INTEGERS = 'it computes with whole numbers that stand for floats; train the float32 export';

/** Operations that have a derivative which is consciously not written here, and what to do about each. */
export const NOT_IMPLEMENTED: Readonly<Record<string, string>> = {
  BatchNormalization: FOR_INFERENCE,
  Dropout: FOR_INFERENCE,
  ConvInteger: INTEGERS,
  DynamicQuantizeLinear: INTEGERS,
  MatMulInteger: INTEGERS,
  QLinearConv: INTEGERS,
  QLinearMatMul: INTEGERS,
  QuantizeLinear: INTEGERS,
  DFT: EXPORT_PRIMITIVES,
  STFT: EXPORT_PRIMITIVES,
  MelWeightMatrix: EXPORT_PRIMITIVES,
  Det: EXPORT_PRIMITIVES,
  Col2Im: EXPORT_PRIMITIVES,
  DeformConv: EXPORT_PRIMITIVES,
  GridSample: EXPORT_PRIMITIVES,
  AffineGrid: EXPORT_PRIMITIVES,
  RoiAlign: EXPORT_PRIMITIVES,
  'com.microsoft.MoE': EXPERTS,
  'com.microsoft.QMoE': EXPERTS,
  MaxUnpool: EXPORT_PRIMITIVES,
  GRU: EXPORT_PRIMITIVES,
  LSTM: EXPORT_PRIMITIVES,
  RNN: EXPORT_PRIMITIVES,
  Unique: 'its result changes its shape with its data',
};

/** How an operation is named in the table. */
export function ruleName(op: { opType: string; domain: string }): string {
  return op.domain ? `${op.domain}.${op.opType}` : op.opType;
}
