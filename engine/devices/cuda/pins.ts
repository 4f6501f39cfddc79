import { createHash } from 'node:crypto';
import type { PinnedFile } from '../../../cache/index.ts';

/** A wheel of a package index, and what is taken out of it. */
export interface PinnedWheel extends PinnedFile {
  project: string;
  version: string;
  /** Whose terms its files are under. */
  licence: string;
  /** Shared libraries: paths in the wheel, and their bytes. */
  libraries: readonly { path: string; bytes: number }[];
  /** Texts that are kept beside them: paths in the wheel. */
  texts: readonly string[];
}

/** Everything that CUDA takes but the driver, as it fits one version of onnxruntime-node. */
export interface CudaSet {
  /** Name of its folder in the cache: another set of pins has another. */
  id: string;
  /** The version of onnxruntime-node. */
  onnxruntime: string;
  /** Its runtime library, which looks for providers in the folder that it was loaded from. */
  runtime: PinnedFile;
  wheels: readonly PinnedWheel[];
  /** In the order in which they are opened: what a library needs stands before it. */
  opened: readonly string[];
}

const nvidia = "NVIDIA's software licence";

const wheels: readonly PinnedWheel[] = [
  {
    project: 'onnxruntime-gpu',
    version: '1.30.0',
    file: 'onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl',
    bytes: 246_685_715,
    sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
    licence: 'MIT',
    libraries: [
      { path: 'onnxruntime/capi/libonnxruntime_providers_shared.so', bytes: 14_632 },
      { path: 'onnxruntime/capi/libonnxruntime_providers_cuda.so', bytes: 272_049_904 },
    ],
    texts: ['onnxruntime/LICENSE', 'onnxruntime/ThirdPartyNotices.txt'],
  },
  {
    project: 'nvidia-cuda-runtime',
    version: '13.0.96',
    file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 2_243_632,
    sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
    licence: nvidia,
    libraries: [{ path: 'nvidia/cu13/lib/libcudart.so.13', bytes: 704_288 }],
    texts: ['nvidia_cuda_runtime-13.0.96.dist-info/licenses/License.txt'],
  },
  {
    project: 'nvidia-cublas',
    version: '13.1.0.3',
    file: 'nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 423_133_236,
    sha256: 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171',
    licence: nvidia,
    libraries: [
      { path: 'nvidia/cu13/lib/libcublasLt.so.13', bytes: 541_595_600 },
      { path: 'nvidia/cu13/lib/libcublas.so.13', bytes: 54_177_976 },
    ],
    texts: ['nvidia_cublas-13.1.0.3.dist-info/licenses/License.txt'],
  },
  {
    project: 'nvidia-curand',
    version: '10.4.0.35',
    file: 'nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 59_544_258,
    sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
    licence: nvidia,
    libraries: [{ path: 'nvidia/cu13/lib/libcurand.so.10', bytes: 132_698_328 }],
    texts: ['nvidia_curand-10.4.0.35.dist-info/licenses/License.txt'],
  },
  {
    project: 'nvidia-cufft',
    version: '12.0.0.61',
    file: 'nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    bytes: 214_085_489,
    sha256: '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3',
    licence: nvidia,
    libraries: [{ path: 'nvidia/cu13/lib/libcufft.so.12', bytes: 286_542_352 }],
    texts: ['nvidia_cufft-12.0.0.61.dist-info/licenses/License.txt'],
  },
  {
    project: 'nvidia-cuda-nvrtc',
    version: '13.0.88',
    file: 'nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    bytes: 90_215_200,
    sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
    licence: nvidia,
    libraries: [
      { path: 'nvidia/cu13/lib/libnvrtc-builtins.so.13.0', bytes: 4_380_616 },
      { path: 'nvidia/cu13/lib/libnvrtc.so.13', bytes: 109_338_064 },
    ],
    texts: ['nvidia_cuda_nvrtc-13.0.88.dist-info/licenses/License.txt'],
  },
  {
    project: 'nvidia-cudnn-cu13',
    version: '9.20.0.48',
    file: 'nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_x86_64.whl',
    bytes: 366_173_588,
    sha256: '0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304',
    licence: nvidia,
    libraries: [
      { path: 'nvidia/cudnn/lib/libcudnn_graph.so.9', bytes: 4_460_192 },
      { path: 'nvidia/cudnn/lib/libcudnn_ops.so.9', bytes: 39_855_888 },
      { path: 'nvidia/cudnn/lib/libcudnn_cnn.so.9', bytes: 4_203_904 },
      { path: 'nvidia/cudnn/lib/libcudnn_adv.so.9', bytes: 109_169_104 },
      { path: 'nvidia/cudnn/lib/libcudnn_heuristic.so.9', bytes: 60_822_040 },
      { path: 'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9', bytes: 245_391_920 },
      { path: 'nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9', bytes: 29_386_664 },
      { path: 'nvidia/cudnn/lib/libcudnn.so.9', bytes: 129_240 },
    ],
    texts: ['nvidia_cudnn_cu13-9.20.0.48.dist-info/licenses/License.txt'],
  },
];

const onnxruntime = '1.30.0';
const pins = createHash('sha256').update(JSON.stringify(wheels)).digest('hex').slice(0, 8);

/** Libraries of CUDA 13.0, for which the provider was built, and cuDNN 9.20. */
export const cudaSet: CudaSet = {
  id: `onnxruntime-${onnxruntime}-${pins}`,
  onnxruntime,
  runtime: {
    file: 'libonnxruntime.so.1',
    bytes: 45_828_512,
    sha256: 'ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23',
  },
  wheels,
  // cuDNN opens its parts by itself, from its own folder, when they are wanted.
  opened: [
    'libcudart.so.13',
    'libcublasLt.so.13',
    'libcublas.so.13',
    'libcurand.so.10',
    'libcufft.so.12',
    'libnvrtc-builtins.so.13.0',
    'libnvrtc.so.13',
    'libcudnn.so.9',
  ],
};

/** The libraries that ONNX Runtime looks for beside itself. */
export const providerFiles = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

/** What NVIDIA's driver brings, and no package. */
export const driverFile = 'libcuda.so.1';

/** Drivers from this version on run CUDA 13. */
export const oldestDriver = 580;

/** Bytes of a set: to fetch, and in the cache. */
export function sizesOf({ runtime, wheels }: Pick<CudaSet, 'runtime' | 'wheels'>) {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const libraries = wheels.flatMap((wheel) => wheel.libraries);
  return {
    download: sum(wheels.map(({ bytes }) => bytes)),
    installed: runtime.bytes + sum(libraries.map(({ bytes }) => bytes)),
  };
}
