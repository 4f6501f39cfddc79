import type { Tensor } from '../onnx/tensor.ts';
import type { TensorSource } from '../program.ts';
import { encodeSafeTensors } from '../safetensors.ts';
import { type LoraOptions, loraNames } from './apply.ts';
import type { LinearModule } from './module.ts';

/** File names that Hugging Face's PEFT reads from an adapter's folder. */
export const peftFiles = { weights: 'adapter_model.safetensors', config: 'adapter_config.json' } as const;

export interface PeftOptions extends LoraOptions {
  /** Where a decoder's module lies in the whole model, such as `model.language_model.layers.0...`. */
  pathInModel: (path: string) => string;
  /** Name or folder of the base model. */
  base: string;
}

/**
 * Adapters in the format of PEFT: A as [rank, in] and B as [out, rank] under `base_model.model.<path>.lora_{A,B}.weight`,
 * and the configuration that names the very modules, so that no other layer with such a name (a vision tower's
 * `q_proj`) gets one.
 */
export function peftAdapter(
  modules: readonly LinearModule[],
  adapters: TensorSource,
  options: PeftOptions,
): { weights: Uint8Array<ArrayBuffer>; config: string } {
  const { rank, alpha, dropout = 0, rankStabilised = false, pathInModel, base } = options;
  const tensors = new Map<string, Tensor>();
  for (const { path } of modules) {
    const { a, b } = loraNames(path);
    const stem = `base_model.model.${pathInModel(path)}`;
    tensors.set(`${stem}.lora_A.weight`, turned(adapters.get(a)!));
    tensors.set(`${stem}.lora_B.weight`, turned(adapters.get(b)!));
  }
  const config = {
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    target_modules: modules.map(({ path }) => pathInModel(path)),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: rankStabilised,
  };
  return {
    weights: encodeSafeTensors({ tensors, metadata: { format: 'pt' } }),
    config: `${JSON.stringify(config, null, 2)}\n`,
  };
}

function turned({ dims, data }: Tensor): Tensor {
  const [rows, columns] = dims as [number, number];
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) values[j * rows + i] = Number(data[i * columns + j]);
  return { dtype: 'float32', dims: [columns, rows], data: values };
}
