import {
  beside,
  decoder,
  everyPrecision,
  move,
  precisions,
  type Step,
  set,
  without,
  write,
} from './build.ts';

/** A published folder, rebuilt from a tiny model: the names of its files and the keys of its configuration. */
export interface PublishedFolder {
  name: string;
  /** The tiny model that it is built from. */
  base: string;
  steps: readonly Step[];
  /**
   * `same`: it answers as the tiny model does, but for rounding of other encodings; `opens`: it answers, by a prompt or in a size of its own; else the end of the
   * refusal.
   */
  expected: 'same' | 'opens' | RegExp;
}

const card = beside('README.md', '.gitattributes', 'LICENSE');
const torch = beside('model.safetensors', 'generation_config.json');
const sharded = beside(
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
);
const gpt2Tokenizer = [
  beside('added_tokens.json', 'merges.txt', 'vocab.json'),
  set('special_tokens_map.json', {
    additional_special_tokens: ['<fake_token_around_image>', '<image>', '<end_of_utterance>'].map(
      (content) => ({ content, lstrip: false, normalized: false, rstrip: false, single_word: false }),
    ),
  }),
  set('tokenizer_config.json', {
    add_prefix_space: false,
    additional_special_tokens: ['<fake_token_around_image>', '<image>', '<end_of_utterance>'],
    legacy: false,
    tokenizer_class: 'GPT2Tokenizer',
    truncation_side: 'left',
    extra_special_tokens: {},
  }),
];
const smolTemplate =
  "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}{{':'}}" +
  "{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}" +
  "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}" +
  "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";
const ideficsKeys = set('config.json', (json) => ({
  ...json,
  torch_dtype: 'bfloat16',
  transformers_version: '4.47.1',
  transformers_js_config: undefined,
  'transformers.js_config': { kv_cache_dtype: { fp16: 'float16', q4f16: 'float16' } },
  text_config: {
    ...json.text_config,
    _flash_attn_2_enabled: true,
    is_llama_config: true,
    perceiver_config: { hidden_act: 'silu', model_type: 'vllama3' },
    pixel_shuffle_factor: json.scale_factor,
    qk_layer_norms: false,
    rope_scaling: null,
    rope_theta: 10000,
    rope_parameters: undefined,
    use_resampler: false,
  },
  vision_config: {
    ...json.vision_config,
    max_image_size: { longest_edge: json.vision_config.image_size },
    size: { longest_edge: 2 * json.vision_config.image_size },
    use_base_siglip: true,
  },
}));
const smol = [card, torch, everyPrecision, ...gpt2Tokenizer, ideficsKeys];
const chatTemplate = set('chat_template.json', { chat_template: smolTemplate });

/** A folder of a kind that is not read: its name in config.json and its graphs. */
const other = (
  name: string,
  type: string,
  graphs: readonly string[],
  ...more: readonly Step[]
): PublishedFolder => ({
  name,
  base: 'llava',
  steps: [
    card,
    without('onnx'),
    beside(...graphs.map((graph) => `onnx/${graph}.onnx`)),
    set('config.json', (json) => ({ ...json, model_type: type })),
    ...more,
  ],
  expected: new RegExp(`config\\.json: model_type is ${type}; known are llava, .*diagnose its address`),
});
const merged = ['vision_encoder', 'embed_tokens', 'decoder_model_merged'];

/** A folder without ONNX graphs of ours. */
const foreign = (name: string, expected: RegExp, ...steps: readonly Step[]): PublishedFolder => ({
  name,
  base: 'llava',
  steps: [card, without('onnx'), ...steps],
  expected,
});

export const publishedFolders: readonly PublishedFolder[] = [
  {
    name: 'HuggingFaceTB/SmolVLM-256M-Instruct',
    base: 'idefics3',
    steps: [...smol, chatTemplate],
    expected: 'opens',
  },
  {
    name: 'HuggingFaceTB/SmolVLM-500M-Instruct',
    base: 'idefics3',
    steps: [...smol, write('chat_template.jinja', smolTemplate)],
    expected: 'opens',
  },
  { name: 'HuggingFaceTB/SmolVLM-256M-Base', base: 'idefics3', steps: smol, expected: 'same' },
  {
    name: 'HuggingFaceTB/SmolVLM-Instruct',
    base: 'idefics3',
    steps: [card, sharded, everyPrecision, ...gpt2Tokenizer, ideficsKeys, chatTemplate],
    expected: 'opens',
  },
  {
    name: 'HuggingFaceTB/SmolVLM2-256M-Video-Instruct',
    base: 'smolvlm',
    steps: [
      ...smol,
      chatTemplate,
      set('preprocessor_config.json', {
        video_sampling: { fps: 1, max_frames: 64, video_size: { longest_edge: 2048 } },
      }),
      set('processor_config.json', { image_seq_len: 4, processor_class: 'SmolVLMProcessor' }),
    ],
    expected: 'opens',
  },
  {
    name: 'HuggingFaceTB/SmolVLM2-500M-Video-Instruct',
    base: 'smolvlm',
    steps: [
      ...smol,
      write('chat_template.jinja', smolTemplate),
      set('video_preprocessor_config.json', {
        video_processor_type: 'SmolVLMVideoProcessor',
        num_frames: 64,
      }),
    ],
    expected: 'opens',
  },
  {
    name: 'HuggingFaceTB/SmolVLM2-2.2B-Instruct',
    base: 'smolvlm',
    steps: [card, sharded, precisions('_fp16', '_q4', '_q4f16', '_quantized'), ...gpt2Tokenizer],
    expected: 'same',
  },
  {
    name: 'ds4sd/SmolDocling-256M-preview',
    base: 'idefics3',
    steps: [card, torch, ...gpt2Tokenizer, ideficsKeys, beside('chat_template.txt', 'onnx/README.md')],
    expected: 'same',
  },
  {
    name: 'onnx-community/granite-docling-258M-ONNX',
    base: 'idefics3',
    steps: [
      card,
      precisions('', '_fp16', '_q4', '_q4f16'),
      ideficsKeys,
      set('config.json', {
        'transformers.js_config': {
          dtype: { vision_encoder: 'fp16', embed_tokens: 'fp16', decoder_model_merged: 'q4' },
          use_external_data_format: {
            'decoder_model_merged.onnx': true,
            'decoder_model_merged_fp16.onnx': 1,
          },
        },
      }),
    ],
    expected: 'same',
  },
  {
    name: 'onnx-community/Idefics3-8B-Llama3-ONNX',
    base: 'idefics3',
    steps: [card, precisions('_q4', '_q4f16'), beside('tokenizer.model'), ideficsKeys],
    expected: 'same',
  },
  {
    name: 'onnx-community/Qwen2-VL-2B-Instruct',
    base: 'qwen2_vl',
    steps: [
      card,
      everyPrecision,
      beside('added_tokens.json', 'merges.txt', 'vocab.json'),
      // Older files keep the text model's keys beside the others.
      set('config.json', ({ text_config: { model_type, ...text }, vision_config, ...json }) => ({
        ...json,
        ...text,
        rope_scaling: { type: 'mrope', mrope_section: text.rope_parameters.mrope_section },
        rope_theta: text.rope_parameters.rope_theta,
        rope_parameters: undefined,
        vision_config: { ...vision_config, in_chans: 3, spatial_patch_size: 14, in_channels: undefined },
      })),
      set('preprocessor_config.json', { size: undefined, processor_class: 'Qwen2VLProcessor' }),
    ],
    expected: 'same',
  },
  {
    name: 'onnx-community/Qwen2.5-VL-3B-Instruct-ONNX',
    base: 'qwen2_5_vl',
    steps: [
      card,
      precisions('', '_fp16', '_q4', '_q4f16', '_quantized'),
      set('preprocessor_config.json', {
        image_processor_type: 'Qwen2_5_VLImageProcessor',
        processor_class: 'Qwen2_5_VLProcessor',
      }),
      set('config.json', {
        'transformers.js_config': { use_external_data_format: { 'decoder_model_merged.onnx': 7 } },
      }),
    ],
    expected: 'same',
  },
  {
    name: 'Qwen2.5-VL, written by transformers 5',
    base: 'qwen2_5_vl',
    steps: [
      set('processor_config.json', {
        image_processor: { image_processor_type: 'Qwen2VLImageProcessorFast' },
        video_processor: { video_processor_type: 'Qwen2VLVideoProcessor' },
      }),
      async (folder) => {
        const { readFile } = await import('node:fs/promises');
        const own = JSON.parse(await readFile(`${folder}/preprocessor_config.json`, 'utf8'));
        await set('processor_config.json', (json) => ({
          ...json,
          image_processor: {
            ...own,
            ...json.image_processor,
            crop_size: null,
            default_to_square: true,
            disable_grouping: null,
            do_center_crop: null,
            input_data_format: null,
            max_pixels: null,
            min_pixels: null,
            size: { longest_edge: own.max_pixels, shortest_edge: own.min_pixels },
          },
        }))(folder);
      },
      without('preprocessor_config.json'),
    ],
    expected: 'same',
  },
  {
    name: 'Xenova/tiny-random-LlavaForConditionalGeneration',
    base: 'llava',
    steps: [
      card,
      everyPrecision,
      beside('special_tokens_map.json', 'tokenizer.model', 'quantize_config.json'),
    ],
    expected: 'same',
  },
  {
    name: 'llava-hf/llava-interleave-qwen-0.5b-hf',
    base: 'llava',
    steps: [
      card,
      torch,
      everyPrecision,
      beside('added_tokens.json', 'merges.txt', 'vocab.json', 'llava_next_config.txt'),
      set('config.json', ({ image_token_index, text_config, ...json }) => ({
        ...json,
        ignore_index: -100,
        image_token_index,
        text_config: {
          model_type: 'qwen2',
          max_window_layers: 24,
          num_attention_heads: text_config.num_attention_heads,
          num_hidden_layers: text_config.num_hidden_layers,
          vocab_size: text_config.vocab_size,
        },
      })),
      set('processor_config.json', {
        image_token: '<image>',
        num_additional_image_tokens: 1,
        patch_size: 14,
        processor_class: 'LlavaProcessor',
        vision_feature_select_strategy: 'default',
      }),
    ],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 with graphs beside config.json and data files',
    base: 'llava',
    steps: [
      decoder('external/decoder_model_merged.onnx'),
      ...[
        'vision_encoder.onnx',
        'embed_tokens.onnx',
        'decoder_model_merged.onnx',
        'decoder_model_merged.onnx_data',
      ].map((file) => move(`onnx/${file}`, file)),
      without('onnx'),
    ],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 exported by hand: vision, embeddings and text by other names',
    base: 'llava',
    steps: [
      move('onnx/vision_encoder.onnx', 'onnx/vision_model.onnx'),
      move('onnx/embed_tokens.onnx', 'onnx/token_embeddings.onnx'),
      move('onnx/decoder_model_merged.onnx', 'onnx/language_model.onnx'),
    ],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 exported by hand, half precision by other names',
    base: 'llava',
    steps: [
      move('onnx/vision_encoder.onnx', 'onnx/vision_fp16.onnx'),
      move('onnx/embed_tokens.onnx', 'onnx/embedding_fp16.onnx'),
      move('onnx/decoder_model_merged.onnx', 'onnx/text_fp16.onnx'),
    ],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 with a decoder of dynamo, opset 23',
    base: 'llava',
    steps: [decoder('dynamo_opset23.onnx')],
    expected: 'same',
  },
  {
    name: 'a package of ONNX Runtime GenAI for LLaVA-1.5',
    base: 'llava',
    steps: [
      decoder('genai_fp32.onnx'),
      move('onnx/vision_encoder.onnx', 'vision.onnx'),
      move('onnx/embed_tokens.onnx', 'embedding.onnx'),
      move('onnx/decoder_model_merged.onnx', 'model.onnx'),
      without('onnx'),
      beside('genai_config.json', 'vision_processor.json'),
    ],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 with the decoder of ONNX Runtime GenAI',
    base: 'llava',
    steps: [without('onnx/decoder_model_merged.onnx'), decoder('genai_fp32.onnx', 'model.onnx')],
    expected: 'same',
  },
  {
    name: 'LLaVA-1.5 by an older optimum: decoder_model and decoder_with_past_model',
    base: 'llava',
    steps: [
      move('onnx/decoder_model_merged.onnx', 'onnx/decoder_with_past_model.onnx'),
      beside('ort_config.json'),
    ],
    expected: 'same',
  },
  {
    name: 'llava-hf/llava-v1.6-mistral-7b-hf, exported',
    base: 'llava_next',
    steps: [card, sharded, beside('tokenizer.model', 'special_tokens_map.json', 'added_tokens.json')],
    expected: 'same',
  },
  {
    name: 'Salesforce/instructblip-vicuna-7b, exported',
    base: 'instructblip',
    steps: [card, sharded, beside('tokenizer.model', 'special_tokens_map.json')],
    expected: 'same',
  },
  // ---- not read: architectures
  other('onnx-community/Florence-2-base-ft', 'florence2', [
    'vision_encoder',
    'embed_tokens',
    'encoder_model',
    'decoder_model_merged',
  ]),
  other('onnx-community/paligemma2-3b-pt-224', 'paligemma', merged),
  other('Xenova/moondream2', 'moondream1', merged),
  other('Xenova/nanoLLaVA', 'llava-qwen2', merged),
  other('onnx-community/FastVLM-0.5B-ONNX', 'llava_qwen2', merged),
  other('onnx-community/llava-onevision-qwen2-0.5b-ov-hf', 'llava_onevision', merged),
  other('onnx-community/Janus-Pro-1B-ONNX', 'multi_modality', [
    'prepare_inputs_embeds',
    'language_model',
    'lm_head',
    'gen_head',
    'gen_img_embeds',
    'image_decode',
  ]),
  other('onnx-community/Phi-3.5-vision-instruct', 'phi3_v', [
    'vision_encoder',
    'prepare_inputs_embeds',
    'model',
  ]),
  other('onnx-community/gemma-3-4b-it-ONNX', 'gemma3', merged),
  other('onnx-community/gemma-3n-E2B-it-ONNX', 'gemma3n', [...merged, 'audio_encoder']),
  other('onnx-community/gemma-4-E2B-it-ONNX', 'gemma4', [...merged, 'audio_encoder']),
  other('onnx-community/LFM2-VL-450M-ONNX', 'lfm2_vl', merged),
  other('onnx-community/Qwen3-VL-2B-Instruct-ONNX', 'qwen3_vl', merged),
  other('onnx-community/GLM-OCR-ONNX', 'glm_ocr', merged),
  other('onnx-community/Ministral-3-3B-Instruct-2512-ONNX', 'mistral3', merged),
  other('onnx-community/ultravox-v0_5-llama-3_2-1b-ONNX', 'ultravox', [
    'audio_encoder',
    'embed_tokens',
    'decoder_model_merged',
  ]),
  other('Xenova/clip-vit-base-patch32', 'clip', ['model', 'text_model', 'vision_model']),
  other('Xenova/vit-gpt2-image-captioning', 'vision-encoder-decoder', [
    'encoder_model',
    'decoder_model_merged',
  ]),
  other('Xenova/donut-base-finetuned-docvqa', 'vision-encoder-decoder', [
    'encoder_model',
    'decoder_model_merged',
  ]),
  other('onnx-community/Llama-3.2-1B-Instruct', 'llama', ['model']),
  // ---- not read: other programs
  foreign(
    'llava-hf/llava-1.5-7b-hf',
    /holds weights without graphs \(model.*\) in place of ONNX graphs in onnx\/; export it to ONNX/,
    sharded,
  ),
  foreign(
    'Qwen/Qwen2-VL-2B-Instruct-AWQ',
    /holds weights without graphs/,
    torch,
    set('config.json', { quantization_config: { quant_method: 'awq' } }),
  ),
  foreign(
    'ggml-org/SmolVLM-256M-Instruct-GGUF',
    /holds a model of llama\.cpp \(SmolVLM-256M-Instruct-Q8_0\.gguf\).*`llama-server`/,
    without('config.json', 'tokenizer.json'),
    beside('SmolVLM-256M-Instruct-Q8_0.gguf', 'mmproj-SmolVLM-256M-Instruct-Q8_0.gguf'),
  ),
  foreign(
    'microsoft/Phi-3.5-vision-instruct-onnx',
    /the model lies in cpu_and_mobile\/cpu-int4-rtn-block-32-acc-level-4\/; give /,
    move('config.json', 'cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4/config.json'),
    beside(
      ...['genai_config.json', 'phi-3.5-v-instruct-text.onnx', 'phi-3.5-v-instruct-vision.onnx'].map(
        (file) => `cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4/${file}`,
      ),
    ),
  ),
  foreign(
    'a package of ONNX Runtime GenAI',
    /holds a package of ONNX Runtime GenAI \(genai_config\.json\)/,
    beside('genai_config.json', 'processor_config.json', 'vision.onnx', 'embedding.onnx', 'model.onnx'),
  ),
  foreign(
    'OpenVINO/llava-v1.6-mistral-7b-hf-int4-ov',
    /holds a model of OpenVINO \(openvino_language_model\.xml\)/,
    beside(
      'openvino_language_model.xml',
      'openvino_language_model.bin',
      'openvino_vision_embeddings_model.xml',
    ),
  ),
  foreign('mlx-community/Qwen2-VL-2B-Instruct-4bit', /holds weights without graphs/, torch),
  foreign(
    'a LoRA adapter of PEFT',
    /holds an adapter without its model/,
    without('config.json'),
    beside('adapter_config.json', 'adapter_model.safetensors'),
  ),
  foreign(
    'mistralai/Pixtral-12B-2409',
    /holds weights in Mistral's or Meta's own layout/,
    without('config.json'),
    beside('consolidated.safetensors', 'params.json', 'tekken.json'),
  ),
  foreign(
    'apple/FastVLM, Core ML',
    /holds a model of Core ML/,
    without('config.json'),
    beside('fastvithd.mlpackage/Manifest.json'),
  ),
  foreign(
    'google/gemma-3n-E2B-it-litert',
    /holds a model of LiteRT/,
    without('config.json'),
    beside('gemma-3n-E2B-it-int4.task'),
  ),
  foreign(
    'black-forest-labs/FLUX.1-dev',
    /holds a pipeline that draws pictures/,
    without('config.json'),
    beside('model_index.json', 'transformer/diffusion_pytorch_model.safetensors'),
  ),
  foreign('TensorRT engines', /holds a model of TensorRT/, without('config.json'), beside('llm.engine')),
  foreign(
    'an archive',
    /holds an archive \(model\.zip\).*unpack it/,
    without('config.json', 'tokenizer.json'),
    beside('model.zip'),
  ),
  {
    name: 'one folder a precision',
    base: 'llava',
    steps: [move('onnx/decoder_model_merged.onnx', 'onnx/q4/decoder_model_merged.onnx')],
    expected:
      /decoder_model_merged\.onnx is missing.*there are more in onnx\/q4\/: put one precision's graphs into onnx\//,
  },
  {
    name: 'a download that broke off',
    base: 'llava',
    steps: [move('onnx/embed_tokens.onnx', 'onnx/embed_tokens.onnx.incomplete')],
    expected:
      /onnx\/embed_tokens\.onnx is missing, in every precision \(there are .*decoder_model_merged\.onnx/,
  },
  {
    name: 'a clone without Git LFS',
    base: 'llava',
    steps: [
      write(
        'onnx/decoder_model_merged.onnx',
        `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1234\n`,
      ),
    ],
    expected: /pointer of Git LFS; run `git lfs pull`/,
  },
  {
    name: 'the folder above the model',
    base: 'llava',
    steps: [
      ...['config.json', 'tokenizer.json', 'onnx'].map((file) => move(file, `checkpoints/last/${file}`)),
    ],
    expected: /the model lies in checkpoints\/last\/; give .*\/checkpoints\/last$/,
  },
  {
    name: 'an empty folder',
    base: 'llava',
    steps: [
      without(
        'onnx',
        'config.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'processor_config.json',
        'preprocessor_config.json',
        'generation_config.json',
      ),
    ],
    expected:
      /config\.json: this file of the model cannot be read: there is no such file \(ENOENT\); check the path/,
  },
];
