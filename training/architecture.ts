import { ErrorCode, GuardError } from '../schemas/errors.ts';

/**
 * Where the language model of each family lies in the whole model, by config.json's `model_type` (transformers 5; the
 * head lies beside it or in it).
 */
const LANGUAGE_MODELS: Record<string, { blocks: string; head: string }> = {
  llava: { blocks: 'model.language_model', head: 'lm_head' },
  llava_next: { blocks: 'model.language_model', head: 'lm_head' },
  qwen2_vl: { blocks: 'model.language_model', head: 'lm_head' },
  qwen2_5_vl: { blocks: 'model.language_model', head: 'lm_head' },
  idefics3: { blocks: 'model.text_model', head: 'lm_head' },
  smolvlm: { blocks: 'model.text_model', head: 'lm_head' },
  instructblip: { blocks: 'language_model.model', head: 'language_model.lm_head' },
};

/**
 * Turns paths of a decoder (`model.layers.0.self_attn.q_proj`) into paths of the family's whole model
 * (`model.language_model.layers.0.self_attn.q_proj`). Throws GuardError BAD_MODEL for a family that is not known here.
 */
export function pathInModel(modelType: string): (path: string) => string {
  const family = LANGUAGE_MODELS[modelType];
  if (!family) {
    throw new GuardError(
      ErrorCode.BadModel,
      `models of type '${modelType}' are not trained with adapters; known are ${Object.keys(LANGUAGE_MODELS).join(', ')}`,
    );
  }
  return (path) => path.replace(/^model(?=\.)/, family.blocks).replace(/^lm_head$/, family.head);
}
