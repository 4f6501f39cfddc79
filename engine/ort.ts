// They have to be evaluated before the library is.
import './telemetry.ts';
import './devices/cuda/before.ts';

export { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
