// It has to be evaluated before the library is.
import './telemetry.ts';

export { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
