import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityOf, openAnswerModel, pictureSizeOf } from '../../models/index.ts';
import { answersOf, changeJson, copyOf, type Json, remove, scratch } from './published.ts';

let parent: string;
beforeAll(async () => {
  parent = await scratch();
});
afterAll(() => remove(parent));

const plain = new Map<string, Promise<number[]>>();
/** What a fixture answers as it is. */
const asIs = (name: string) => {
  if (!plain.has(name)) plain.set(name, copyOf(name, join(parent, `plain ${name}`)).then(answersOf));
  return plain.get(name)!;
};
let count = 0;
const copy = (name: string) => copyOf(name, join(parent, `copy ${count++} ${name}`));
const refusal = (folder: string) =>
  openAnswerModel(folder).then(
    (model) => model.close().then(() => 'opened'),
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );

/** As transformers 5 writes it: no preprocessor_config.json, and what is left open is null. */
async function nest(folder: string): Promise<void> {
  const own = join(folder, 'preprocessor_config.json');
  const image_processor: Json = {
    ...JSON.parse(await readFile(own, 'utf8')),
    data_format: 'channels_first',
    device: null,
    do_convert_rgb: null,
    input_data_format: null,
    return_tensors: null,
  };
  await changeJson(join(folder, 'processor_config.json'), (json) => ({ ...json, image_processor }));
  await rm(own);
}

describe('how pictures are prepared', () => {
  it.each(['llava', 'llava_next', 'smolvlm', 'qwen2_vl', 'instructblip'])(
    'may stand in processor_config.json of %s',
    async (name) => {
      const folder = await copy(name);
      const size = await pictureSizeOf(folder);
      await nest(folder);
      expect(await answersOf(folder)).toEqual(await asIs(name));
      expect(await pictureSizeOf(folder)).toEqual(size);
    },
  );

  it('is what processor_config.json says where both files do', async () => {
    const folder = await copy('llava');
    const both = await readFile(join(folder, 'preprocessor_config.json'));
    await nest(folder);
    await writeFile(join(folder, 'preprocessor_config.json'), both);
    await changeJson(join(folder, 'preprocessor_config.json'), (json) => ({
      ...json,
      image_mean: [0, 0, 0],
    }));
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });

  it('is that of the class where keys are left out, null or in the form of older files', async () => {
    const folder = await copy('llava');
    await changeJson(join(folder, 'preprocessor_config.json'), ({ crop_size, size, ...json }) => {
      const { image_mean, image_std, resample, do_normalize, do_center_crop, do_rescale, ...rest } = json;
      expect([image_mean[0], image_std[0], resample]).toEqual([0.48145466, 0.26862954, 3]);
      expect([do_normalize, do_center_crop, do_rescale]).toEqual([true, true, true]);
      return {
        ...rest,
        size: size.shortest_edge,
        crop_size: crop_size.height,
        do_resize: null,
        rescale_factor: null,
        image_processor_type: undefined,
        feature_extractor_type: 'CLIPFeatureExtractor',
      };
    });
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });

  it('must be written somewhere, and for the family', async () => {
    const none = await copy('llava');
    await rm(join(none, 'preprocessor_config.json'));
    expect(await refusal(none)).toMatch(
      /^BAD_MODEL .*preprocessor_config\.json: this file of the model is missing, and processor_config\.json holds no image_processor/,
    );
    const other = await copy('llava');
    await nest(other);
    await changeJson(join(other, 'processor_config.json'), ({ image_processor, ...json }) => ({
      ...json,
      image_processor: { ...image_processor, image_processor_type: 'PixtralImageProcessorFast' },
    }));
    expect(await refusal(other)).toMatch(
      /processor_config\.json: image_processor: image_processor_type is PixtralImageProcessor; known .* CLIPImageProcessor/,
    );
  });
});

describe('files of a folder', () => {
  const files = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'processor_config.json'];
  it.each([
    ['UTF-8', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16, little-endian', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16, big-endian', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ] as const)('may begin with a byte order mark of %s', async (_, encode) => {
    const folder = await copy('llava');
    const template = 'tokenizer_config.json';
    const { chat_template } = JSON.parse(await readFile(join(folder, template), 'utf8'));
    const identity = (marked: boolean) =>
      identityOf((file) => readFile(join(folder, file), marked ? null : 'utf8').catch(() => null));
    const before = await identity(false);
    for (const file of [...files, 'preprocessor_config.json', 'generation_config.json'])
      await writeFile(join(folder, file), encode(await readFile(join(folder, file), 'utf8')));
    await writeFile(join(folder, 'chat_template.jinja'), encode(chat_template));
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
    expect(await identity(true)).toEqual(before);
  });

  it('may hold numbers that JSON does not know, as Python writes them', async () => {
    const folder = await copy('llava');
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    const text = JSON.stringify({ ...config, note: 'NaN "Infinity"' }).replace(
      /\}$/,
      ', "scale": -Infinity, "router": NaN}',
    );
    await writeFile(join(folder, 'config.json'), text);
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
    await writeFile(join(folder, 'config.json'), text.replace('NaN}', 'NaN'));
    await expect(answersOf(folder)).rejects.toThrow(/config\.json: cannot be read as JSON/);
  });

  it('are JSON objects, or are named', async () => {
    for (const file of [...files, 'chat_template.json', 'special_tokens_map.json']) {
      const folder = await copy('llava');
      await writeFile(join(folder, file), '{"a":');
      expect(await refusal(folder), file).toMatch(new RegExp(`^BAD_MODEL .*${file}: cannot be read as JSON`));
      await writeFile(join(folder, file), '[]');
      expect(await refusal(folder), file).toMatch(new RegExp(`${file}: expected an object`));
    }
  });

  it('may lie beside config.json', async () => {
    const folder = await copy('llava');
    for (const name of ['vision_encoder', 'embed_tokens', 'decoder_model_merged'])
      await rename(join(folder, `onnx/${name}.onnx`), join(folder, `${name}.onnx`));
    await rm(join(folder, 'onnx'), { recursive: true });
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });
});

describe('tokenizers', () => {
  it('need no tokenizer_config.json', async () => {
    const folder = await copy('qwen2_vl');
    await rm(join(folder, 'tokenizer_config.json'));
    expect(await answersOf(folder)).toEqual(await asIs('qwen2_vl'));
    await rm(join(folder, 'tokenizer.json'));
    expect(await refusal(folder)).toMatch(
      /tokenizer\.json: this file of the model cannot be read: there is no such file \(ENOENT\); check the path/,
    );
  });

  it('take special tokens as texts or objects, from either file, and classes that they do not know', async () => {
    const folder = await copy('llava');
    const config = join(folder, 'tokenizer_config.json');
    const { bos_token, eos_token, unk_token, ...json } = JSON.parse(await readFile(config, 'utf8'));
    await writeFile(
      join(folder, 'special_tokens_map.json'),
      JSON.stringify({ bos_token: { content: bos_token, lstrip: false }, eos_token }),
    );
    await writeFile(
      config,
      JSON.stringify({ ...json, tokenizer_class: 'TokenizersBackend', unk_token: { content: unk_token } }),
    );
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });
});

describe('chat templates', () => {
  /** The llava fixture with its template taken out and put elsewhere, or another in its place. */
  async function withTemplate(put: (folder: string, template: string) => Promise<void>) {
    const folder = await copy('llava');
    let template = '';
    await changeJson(join(folder, 'tokenizer_config.json'), ({ chat_template, ...json }) => {
      template = chat_template;
      return json;
    });
    await put(folder, template);
    return folder;
  }
  const files: [string, (folder: string, template: string) => Promise<void>][] = [
    ['chat_template.jinja', (folder, text) => writeFile(join(folder, 'chat_template.jinja'), text)],
    [
      'chat_template.json',
      (folder, text) =>
        writeFile(join(folder, 'chat_template.json'), JSON.stringify({ chat_template: text })),
    ],
    [
      'processor_config.json',
      (folder, text) =>
        changeJson(join(folder, 'processor_config.json'), (json) => ({ ...json, chat_template: text })),
    ],
    [
      'a list in tokenizer_config.json',
      (folder, template) =>
        changeJson(join(folder, 'tokenizer_config.json'), (json) => ({
          ...json,
          chat_template: [
            { name: 'tool_use', template: 'tools' },
            { name: 'default', template },
          ],
        })),
    ],
    [
      'additional_chat_templates/',
      async (folder, text) => {
        await mkdir(join(folder, 'additional_chat_templates'));
        await writeFile(join(folder, 'additional_chat_templates/default.jinja'), text);
      },
    ],
  ];
  it.each(files)('are read from %s', async (_, put) => {
    const folder = await withTemplate(async (place, template) => put(place, template));
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });

  it('for texts alone are given the picture inside the text', async () => {
    // What the fixture's own template makes of a picture and a text, for one that only takes a text.
    const texts =
      "{% for m in messages %}{{ m['role'].upper() + ': ' + m['content'] + ' ' }}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}";
    const folder = await withTemplate((place) => writeFile(join(place, 'chat_template.jinja'), texts));
    expect(await answersOf(folder)).toEqual(await asIs('llava'));
  });

  it('that take neither form leave the usual one of the family', async () => {
    const without = await withTemplate(async () => {});
    const refusing = await withTemplate((place) =>
      writeFile(join(place, 'chat_template.jinja'), "{{ raise_exception('no users here') }}"),
    );
    expect(await answersOf(refusing)).toEqual(await answersOf(without));
  });
});

it('a pipe in place of a file is named, and not waited for', async () => {
  const folder = await copy('llava');
  await rm(join(folder, 'config.json'));
  execFileSync('mkfifo', [join(folder, 'config.json')]);
  expect(await refusal(folder)).toMatch(
    /^BAD_MODEL .*config\.json: this file of the model cannot be read: it is a pipe or a device, not a file/,
  );
});
