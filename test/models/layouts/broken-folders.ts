import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel, encodeModel } from '../../../engine/onnx/proto.ts';
import type { Json } from '../published.ts';
import { decoder, move, type Step, set, without, write } from './build.ts';

/**
 * What is wrong with a tiny model, how it comes so, and what is said of it; 'same': it answers as it is; 'any': it does or is refused.
 */
export type Broken = [name: string, steps: Step | Step[], expected: RegExp | 'same' | 'any', base?: string];

/** Changes a file's bytes. */
export const raw =
  (file: string, change: (bytes: Buffer) => Uint8Array): Step =>
  async (folder) =>
    writeFile(join(folder, file), change(await readFile(join(folder, file))));
export const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);

const graph = (name: string, change: (model: Json) => void): Step =>
  raw(`onnx/${name}.onnx`, (bytes) => {
    const model = decodeModel(bytes);
    change(model);
    return encodeModel(model);
  });
const [V, E, D] = ['vision_encoder', 'embed_tokens', 'decoder_model_merged'] as const;
const extra = ({ graph }: Json) =>
  graph.input.push({
    name: 'extra',
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } },
  });

const data = decoder('external/decoder_model_merged.onnx');
const dataPath = 'onnx/decoder_model_merged.onnx_data';
/** Changes where the decoder's tensors lie. */
const entries = (change: Record<string, string>) =>
  graph(D, ({ graph: { initializer } }) => {
    for (const { externalData = [] } of initializer as { externalData?: { key: string; value: string }[] }[])
      for (const entry of externalData) entry.value = change[entry.key] ?? entry.value;
  });

const folderAt =
  (file: string): Step =>
  async (folder) => {
    await rm(join(folder, file));
    await mkdir(join(folder, file));
  };
const link =
  (to: string, file: string): Step =>
  (folder) =>
    symlink(to, join(folder, file));
const copyGraph =
  (from: string, to: string): Step =>
  (folder) =>
    copyFile(join(folder, `onnx/${from}.onnx`), join(folder, `onnx/${to}.onnx`));
const swapped: Step[] = [
  move(`onnx/${V}.onnx`, 'onnx/other'),
  move(`onnx/${E}.onnx`, `onnx/${V}.onnx`),
  move('onnx/other', `onnx/${E}.onnx`),
];

const deep = (count: number) => '['.repeat(count) + ']'.repeat(count);
function nested(count: number): Json {
  let step: Json = { type: 'NFC' };
  for (let i = 0; i < count; i++) step = { type: 'Sequence', normalizers: [step] };
  return step;
}
const numbered =
  (change: (id: number) => unknown) =>
  (json: Json): Json => ({
    ...json,
    model: {
      ...json.model,
      vocab: Object.fromEntries(
        Object.entries(json.model.vocab as Record<string, number>).map(([token, id]) => [token, change(id)]),
      ),
    },
  });
const text = (change: Json): Step =>
  set('config.json', (json) => ({ ...json, text_config: { ...json.text_config, ...change } }));
const pre = 'preprocessor_config.json';

export const brokenFolders: readonly Broken[] = [
  // graphs
  [
    'a vision encoder cut off',
    raw('onnx/vision_encoder.onnx', half),
    /vision_encoder\.onnx: this is not a readable \.onnx file \(truncated/,
  ],
  [
    'a decoder cut off by ten bytes',
    raw('onnx/decoder_model_merged.onnx', (bytes) => bytes.subarray(0, -10)),
    /decoder_model_merged\.onnx: this is not a readable/,
  ],
  [
    'an embedder cut off',
    raw('onnx/embed_tokens.onnx', (bytes) => bytes.subarray(0, 100)),
    /embed_tokens\.onnx: this is not a readable/,
  ],
  [
    'an empty decoder',
    write('onnx/decoder_model_merged.onnx', ''),
    /decoder_model_merged\.onnx: this is not an ONNX model/,
  ],
  [
    'a decoder of zeros',
    raw('onnx/decoder_model_merged.onnx', (bytes) => Buffer.alloc(bytes.length)),
    /decoder_model_merged\.onnx: this is not a readable/,
  ],
  [
    'a page of a login in place of a graph',
    write('onnx/embed_tokens.onnx', '<!DOCTYPE html><html>Sign in</html>'),
    /embed_tokens\.onnx: this is not a readable/,
  ],
  [
    'a tensor of too many bytes',
    graph(D, (m) => {
      m.graph.initializer[0].dims = [1e6, 1e6];
    }),
    /decoder_model_merged\.onnx: tensor '.*' of shape \[1000000,1000000\]: needs 4000000000000 bytes, found \d+; export/,
  ],
  [
    'a tensor with a negative side',
    graph(D, (m) => {
      m.graph.initializer[0].dims = [-1, 4];
    }),
    /decoder_model_merged\.onnx: tensor '.*' of shape \[-1,4\]: a dimension is negative/,
  ],
  [
    'an operation that nobody knows',
    graph(D, (m) => {
      m.graph.node[5].opType = 'Klingon';
    }),
    /decoder_model_merged\.onnx: ONNX Runtime cannot load it \(.*Klingon.*; export or copy it again/s,
  ],
  [
    'one in the vision encoder',
    graph(V, (m) => {
      m.graph.node[5].opType = 'Klingon';
    }),
    /vision_encoder\.onnx: ONNX Runtime cannot load it \(.*Klingon.*; export or copy it again/s,
  ],
  [
    'an operation of an unknown domain',
    graph(D, (m) => {
      m.graph.node[5].domain = 'com.unknown';
    }),
    /decoder_model_merged\.onnx: .*com\.unknown.*; export or copy it again/s,
  ],
  [
    'an opset of the future',
    graph(D, (m) => {
      m.opsetImport[0].version = 99;
    }),
    /decoder_model_merged\.onnx: ONNX Runtime cannot load it \(ONNX Runtime only .*Opset 99.*; export or copy it again/is,
  ],
  [
    'opset 0',
    graph(D, (m) => {
      m.opsetImport[0].version = 0;
    }),
    /decoder_model_merged\.onnx: ONNX Runtime cannot load it/,
  ],
  [
    'a format of the future',
    graph(D, (m) => {
      m.irVersion = 99;
    }),
    /decoder_model_merged\.onnx: ONNX Runtime cannot load it \(.*; export or copy it again/s,
  ],
  [
    'no opset',
    graph(D, (m) => {
      m.opsetImport = [];
    }),
    /decoder_model_merged\.onnx: this is not an ONNX model/,
  ],
  [
    'ids in 32 bits',
    graph(E, (m) => {
      m.graph.input[0].type.tensorType.elemType = 6;
    }),
    'same',
  ],
  [
    'ids that are fractions',
    graph(E, (m) => {
      m.graph.input[0].type.tensorType.elemType = 1;
    }),
    /embed_tokens\.onnx: ONNX Runtime cannot load it/,
  ],
  [
    'one more input of the vision encoder',
    graph(V, extra),
    /vision_encoder\.onnx: takes an input 'extra' that is not known here \(known are .*pixel_values.*\); export it without/,
  ],
  [
    'one more input of the embedder',
    graph(E, extra),
    /embed_tokens\.onnx: takes an input 'extra' that is not known here/,
  ],
  [
    'one more input of the decoder',
    graph(D, extra),
    /decoder_model_merged\.onnx: takes an input 'extra' that is not known here/,
  ],
  [
    'no logits',
    graph(D, (m) => {
      m.graph.output = m.graph.output.filter(({ name }: Json) => name !== 'logits');
    }),
    /decoder_model_merged\.onnx: has no output named 'logits'/,
  ],
  [
    'no cache among the outputs',
    graph(D, (m) => {
      m.graph.output = m.graph.output.filter(({ name }: Json) => name === 'logits');
    }),
    'same',
  ],
  [
    'no outputs of the vision encoder',
    graph(V, (m) => {
      m.graph.output = [];
    }),
    /vision_encoder\.onnx: /,
  ],
  [
    'no outputs of the embedder',
    graph(E, (m) => {
      m.graph.output = [];
    }),
    /embed_tokens\.onnx: /,
  ],
  [
    "vision encoder and embedder in each other's place",
    swapped,
    /vision_encoder\.onnx: takes an input 'input_ids' that is not known/,
  ],
  [
    "a vision encoder in the decoder's place",
    copyGraph(V, D),
    /decoder_model_merged\.onnx: takes an input 'pixel_values' that is not known/,
  ],
  [
    'a folder in place of a graph',
    folderAt('onnx/vision_encoder.onnx'),
    /onnx\/vision_encoder\.onnx is missing.*onnx\/vision_encoder\.onnx is a folder or a device/,
  ],
  [
    'a file in place of onnx/',
    [without('onnx'), write('onnx', 'x')],
    /onnx\/vision_encoder\.onnx is missing/,
  ],
  ['onnx/ a link to itself', [without('onnx'), link('onnx', 'onnx')], /links that lead nowhere: onnx/],
  [
    'a decoder that is a link to itself',
    [
      without('onnx/decoder_model_merged.onnx'),
      link('decoder_model_merged.onnx', 'onnx/decoder_model_merged.onnx'),
    ],
    /links that lead nowhere: onnx\/decoder_model_merged\.onnx/,
  ],
  [
    'a config.json that is a circle of links',
    [without('config.json'), link('b', 'config.json'), link('config.json', 'b')],
    /config\.json: .*it is a link to b \(links in a circle\)/,
  ],
  // data files
  [
    'no data file',
    [data, without(dataPath)],
    /decoder_model_merged\.onnx: its data file 'decoder_model_merged\.onnx_data' is missing; download/,
  ],
  [
    'a data file cut off',
    [data, raw(dataPath, (bytes) => bytes.subarray(0, 1000))],
    /external data file 'decoder_model_merged\.onnx_data' ends \d+ bytes early; download/,
  ],
  [
    'an empty data file',
    [data, write(dataPath, '')],
    /'decoder_model_merged\.onnx_data' ends \d+ bytes early; download/,
  ],
  [
    'a folder in place of a data file',
    [data, folderAt(dataPath)],
    /'decoder_model_merged\.onnx_data' is a folder or a device/,
  ],
  [
    'a pointer in place of a data file',
    [data, write(dataPath, 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n')],
    /'decoder_model_merged\.onnx_data' is a pointer of Git LFS; run `git lfs pull`/,
  ],
  ...['../secret.bin', '/etc/passwd', '..', '', '.'].map(
    (place): Broken => [
      `data in "${place}"`,
      [data, write('secret.bin', 'x'), entries({ location: place })],
      /decoder_model_merged\.onnx: external data file '.*' lies outside the model's folder/,
    ],
  ),
  [
    'data in a name with a zero character',
    [data, entries({ location: 'a\0b' })],
    /decoder_model_merged\.onnx: external data file/,
  ],
  [
    'data in a name of 5000 characters',
    [data, entries({ location: 'x'.repeat(5000) })],
    /decoder_model_merged\.onnx: external data file 'x{200}' cannot be read: ENAMETOOLONG/,
  ],
  ...['9999999999999', '-5', 'abc'].map(
    (length): Broken => [
      `data of ${length} bytes`,
      [data, entries({ length })],
      /decoder_model_merged\.onnx: tensor '.*' of shape .* needs \d+ bytes, and its data file is said to hold/,
    ],
  ),
  [
    'data far behind the end',
    [data, entries({ offset: '99999999999' })],
    /'decoder_model_merged\.onnx_data' ends \d+ bytes early/,
  ],
  ['data from nowhere on', [data, entries({ offset: '-1' })], /is read from '-1' on; export the model again/],
  // tokenizers
  ['an empty tokenizer', write('tokenizer.json', ''), /tokenizer\.json: cannot be read as JSON/],
  ['a tokenizer cut off', raw('tokenizer.json', half), /tokenizer\.json: cannot be read as JSON/],
  ...[
    '{}',
    '{"model": null}',
    '{"model": {}}',
    '{"model": {"vocab": null}}',
    '{"model": {"vocab": []}}',
    `{"a": ${deep(100_000)}}`,
  ].map(
    (text): Broken => [
      `a tokenizer that says ${text.slice(0, 30)}`,
      write('tokenizer.json', text),
      /tokenizer\.json: .*model/s,
    ],
  ),
  ...['null', '5', '[]', '"x"'].map(
    (text): Broken => [
      `a tokenizer that is ${text}`,
      write('tokenizer.json', text),
      /tokenizer\.json: expected an object/,
    ],
  ),
  [
    'a tokenizer with one step inside the other, 2000 deep',
    set('tokenizer.json', (json) => ({ ...json, normalizer: nested(2000) })),
    'any',
  ],
  [
    'a tokenizer with an unknown step',
    set('tokenizer.json', { normalizer: { type: 'Klingon' } }),
    /tokenizer\.json: cannot be used \(Unknown Normalizer type: Klingon\); download/,
  ],
  [
    'tokens with huge numbers',
    set(
      'tokenizer.json',
      numbered((id) => id * 1e12),
    ),
    /tokenizer\.json: .*model\.vocab/s,
  ],
  [
    'tokens with fractions',
    set(
      'tokenizer.json',
      numbered((id) => id + 0.5),
    ),
    /tokenizer\.json: .*model\.vocab/s,
  ],
  [
    'tokens with negative numbers',
    set(
      'tokenizer.json',
      numbered((id) => -id - 1),
    ),
    /tokenizer\.json: .*model\.vocab/s,
  ],
  [
    'tokens with texts for numbers',
    set(
      'tokenizer.json',
      numbered((id) => `${id}`),
    ),
    /tokenizer\.json: .*model\.vocab/s,
  ],
  [
    'tokens beyond the embeddings',
    set(
      'tokenizer.json',
      numbered((id) => id + 100_000),
    ),
    /embed_tokens\.onnx: does not run/,
  ],
  [
    'merges that are null',
    set('tokenizer.json', (json) => ({ ...json, model: { ...json.model, merges: null } })),
    /tokenizer\.json: .*merges/s,
  ],
  [
    'added tokens that are a text',
    set('tokenizer.json', { added_tokens: 'x' }),
    /tokenizer\.json: .*added_tokens/s,
  ],
  [
    'added tokens without numbers',
    set('tokenizer.json', { added_tokens: [{ content: '<image>' }] }),
    /tokenizer\.json: .*added_tokens\[0\]\.id/s,
  ],
  [
    'no added tokens',
    set('tokenizer.json', { added_tokens: [] }),
    /config\.json: image_token_index is \d+, but "<image>" is not one token of a prompt/,
  ],
  [
    'a folder in place of the tokenizer',
    folderAt('tokenizer.json'),
    /tokenizer\.json: this file of the model cannot be read: it is a folder, and a file is expected \(EISDIR\)/,
  ],
  [
    'an empty tokenizer_config.json',
    write('tokenizer_config.json', ''),
    /tokenizer_config\.json: cannot be read as JSON/,
  ],
  ['room for no token', set('tokenizer_config.json', { model_max_length: 0 }), 'same'],
  ['room for 1e30 tokens', set('tokenizer_config.json', { model_max_length: 1e30 }), 'same'],
  [
    'room for three tokens',
    set('tokenizer_config.json', { model_max_length: 3 }),
    /model_max_length, is 3: no question fits/,
  ],
  ['a chat template that is a number', set('tokenizer_config.json', { chat_template: 5 }), 'same'],
  ['a chat template that does not parse', set('tokenizer_config.json', { chat_template: '{% for' }), 'same'],
  // config.json
  ['an empty config.json', write('config.json', ''), /config\.json: cannot be read as JSON/],
  ...['null', '5', '[1]'].map(
    (text): Broken => [
      `a config.json that is ${text}`,
      write('config.json', text),
      /config\.json: expected an object/,
    ],
  ),
  ...['x', 5, ['x']].map(
    (text_config): Broken => [
      `text_config that is ${JSON.stringify(text_config)}`,
      set('config.json', { text_config }),
      /config\.json: .*expected object/s,
    ],
  ),
  ...[5, null, '__proto__', ['llava'], 'constructor'].map(
    (model_type): Broken => [
      `model_type ${JSON.stringify(model_type)}`,
      set('config.json', { model_type }),
      /config\.json: model_type is .*known are llava/,
    ],
  ),
  ...['64', 0, -64, 1e12, 64.5].map(
    (hidden_size): Broken => [
      `hidden_size ${JSON.stringify(hidden_size)}`,
      text({ hidden_size }),
      /config\.json: .*hidden_size/s,
    ],
  ),
  [
    'hidden_size of another model',
    text({ hidden_size: 65 }),
    /config\.json: text_config\.hidden_size is 65, but .*decoder_model_merged\.onnx takes embeddings of 64 numbers/,
  ],
  [
    'hidden_size NaN',
    raw('config.json', (bytes) =>
      Buffer.from(bytes.toString().replace(/"hidden_size": \d+/g, '"hidden_size": NaN')),
    ),
    'same',
  ],
  [
    'room for one position',
    text({ max_position_embeddings: 1 }),
    /max_position_embeddings.* is 1: no question fits/,
  ],
  ...['99', 3.5, -1, {}].map(
    (image_token_index): Broken => [
      `image_token_index ${JSON.stringify(image_token_index)}`,
      set('config.json', { image_token_index }),
      /config\.json: image_token_index: expected the number of a token, found/,
    ],
  ),
  [
    'image_token_index of another model',
    set('config.json', { image_token_index: 99_999 }),
    /config\.json: image_token_index is 99999, but "<image>" is token \d+ in tokenizer\.json/,
  ],
  [
    'a folder in place of config.json',
    folderAt('config.json'),
    /config\.json: this file of the model cannot be read: it is a folder.*\(EISDIR\)/,
  ],
  ['config.json of 50 MB', set('config.json', { note: 'y'.repeat(50e6) }), 'same'],
  // processors
  ...['"x"', '[]', 'null'].map(
    (text): Broken => [
      `a processor_config.json that is ${text}`,
      write('processor_config.json', text),
      /processor_config\.json: expected an object/,
    ],
  ),
  ...[5, '', [], {}].map(
    (image_token): Broken => [
      `image_token ${JSON.stringify(image_token)}`,
      set('processor_config.json', { image_token }),
      /processor_config\.json: .*expected a text that stands for a picture.*image_token/s,
    ],
  ),
  [
    'image_token as an object',
    set('processor_config.json', { image_token: { content: '<image>', lstrip: false } }),
    'same',
  ],
  ...[
    0,
    -5,
    1.5,
    40_000,
    1e9,
    '56',
    [56, 56],
    {},
    { shortest_edge: 0 },
    { shortest_edge: -1 },
    { shortest_edge: 1e6 },
    { height: 30_000, width: 30_000 },
    { height: 0, width: 56 },
  ].flatMap((value): Broken[] => [
    [`size ${JSON.stringify(value)}`, set(pre, { size: value }), /preprocessor_config\.json: .*at size/s],
    [
      `crop_size ${JSON.stringify(value)}`,
      set(pre, { crop_size: value }),
      /preprocessor_config\.json: .*at crop_size/s,
    ],
  ]),
  [
    'image_mean NaN',
    raw(pre, (bytes) => Buffer.from(bytes.toString().replace('0.48145466', 'NaN'))),
    /preprocessor_config\.json: .*at image_mean/s,
  ],
  [
    'image_mean of two channels',
    set(pre, { image_mean: [0, 0] }),
    /preprocessor_config\.json: .*at image_mean/s,
  ],
  ['image_std 0', set(pre, { image_std: [0, 0, 0] }), /preprocessor_config\.json: .*at image_std/s],
  ['rescale_factor 0', set(pre, { rescale_factor: 0 }), /preprocessor_config\.json: .*at rescale_factor/s],
  ['resample 99', set(pre, { resample: 99 }), /preprocessor_config\.json: .*at resample/s],
  [
    'a preprocessor_config.json that is a list',
    write(pre, '[]'),
    /preprocessor_config\.json: expected an object/,
  ],
  ...[
    { min_pixels: 1e9 },
    { size: { shortest_edge: 1e9, longest_edge: 2e9 }, min_pixels: null },
    { patch_size: 0 },
    { patch_size: 1e6 },
    { merge_size: 0 },
    { merge_size: 1e6 },
    { temporal_patch_size: 1e6 },
  ].map(
    (change): Broken => [
      `Qwen2-VL with ${JSON.stringify(change)}`,
      set(pre, change),
      new RegExp(`preprocessor_config\\.json: .*at ${Object.keys(change)[0]}`, 's'),
      'qwen2_vl',
    ],
  ),
  ...[
    { max_image_size: { longest_edge: 1e6 } },
    { max_image_size: { longest_edge: 0 } },
    { size: { longest_edge: 0 } },
  ].map(
    (change): Broken => [
      `Idefics3 with ${JSON.stringify(change)}`,
      set(pre, change),
      new RegExp(`preprocessor_config\\.json: .*at ${Object.keys(change)[0]}`, 's'),
      'idefics3',
    ],
  ),
  ...[[[1e6, 1e6]], [], [[0, 0]], 'x', [[56]]].map(
    (image_grid_pinpoints): Broken => [
      `LLaVA-NeXT with pinpoints ${JSON.stringify(image_grid_pinpoints)}`,
      set(pre, { image_grid_pinpoints }),
      /preprocessor_config\.json: .*at image_grid_pinpoints/s,
      'llava_next',
    ],
  ),
  [
    'InstructBLIP with a size of 30000',
    set(pre, { size: { height: 30_000, width: 30_000 } }),
    /preprocessor_config\.json: .*at size/s,
    'instructblip',
  ],
  [
    'InstructBLIP without positions',
    set('config.json', (json) => ({
      ...json,
      qformer_config: { ...json.qformer_config, max_position_embeddings: 0 },
    })),
    /config\.json: .*max_position_embeddings/s,
    'instructblip',
  ],
];
