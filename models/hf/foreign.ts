import { readdir } from 'node:fs/promises';
import { deadLink } from '../linked-data.ts';

/** How often a folder inside a folder is looked into. */
const depth = 3;
const serve = 'serve the model and diagnose its address (docs/endpoints.md)';
const exportIt =
  'export it to ONNX (docs/models.md), or serve the model and diagnose its address (docs/endpoints.md)';

interface Kind {
  file: RegExp;
  what: string;
  todo: string;
}

/** What folders hold that were made for other programs, the more telling first. */
const kinds: readonly Kind[] = [
  { file: /(^|\/)genai_config\.json$/, what: 'a package of ONNX Runtime GenAI', todo: serve },
  { file: /(^|\/)openvino_[^/]*\.xml$/, what: 'a model of OpenVINO', todo: exportIt },
  {
    file: /(^|\/)adapter_config\.json$/,
    what: 'an adapter without its model',
    todo: 'merge it into its model and export that to ONNX (docs/models.md)',
  },
  {
    file: /(^|\/)model_index\.json$/,
    what: 'a pipeline that draws pictures',
    todo: 'give a model that answers questions',
  },
  {
    file: /\.gguf$/i,
    what: 'a model of llama.cpp',
    todo: 'serve it with `llama-server` and diagnose its address (docs/endpoints.md)',
  },
  { file: /\.(mlpackage|mlmodelc?)(\/|$)/, what: 'a model of Core ML', todo: exportIt },
  { file: /\.(tflite|task|litertlm)$/, what: 'a model of LiteRT', todo: exportIt },
  { file: /(^|\/)weights\.npz$/, what: 'a model of MLX', todo: exportIt },
  { file: /\.(engine|plan)$/, what: 'a model of TensorRT', todo: exportIt },
  {
    file: /(^|\/)consolidated[^/]*\.(safetensors|pth)$/,
    what: "weights in Mistral's or Meta's own layout",
    todo: exportIt,
  },
  {
    file: /(^|\/)(model|pytorch_model|diffusion_pytorch_model)[^/]*\.(safetensors|bin)(\.index\.json)?$/,
    what: 'weights without graphs',
    todo: exportIt,
  },
  { file: /\.(safetensors|bin|pt|pth|ckpt)$/, what: 'weights without graphs', todo: exportIt },
  { file: /(^|\/)(tf_model\.h5|saved_model\.pb)$/, what: 'a model of TensorFlow', todo: exportIt },
  { file: /(^|\/)flax_model\.msgpack$/, what: 'a model of Flax', todo: exportIt },
  {
    file: /\.(zip|tar|tar\.gz|tgz)$/i,
    what: 'an archive',
    todo: 'unpack it and give the folder with config.json',
  },
];

/**
 * What a folder without the graphs that we take holds instead, and what to do, as the end of a sentence; null: nothing that
 * is known.
 */
export async function foreignContent(folder: string): Promise<string | null> {
  const snapshots = await readdir(`${folder}/snapshots`).catch(() => []);
  if (snapshots.length > 0)
    return `is a repository in the hub's cache; give a folder in its snapshots/ (${snapshots.join(', ')})`;
  const files = await filesBelow(folder);
  const inside = files.find((file) => /\/config\.json$/.test(file) && !files.includes('config.json'));
  if (inside) {
    const place = inside.slice(0, -'/config.json'.length);
    if (files.some((file) => file.startsWith(`${place}/`) && file.endsWith('.onnx')))
      return `the model lies in ${place}/; give ${folder}/${place}`;
  }
  for (const { file, todo, what } of kinds) {
    const found = files.find((each) => file.test(each));
    if (found) return `holds ${what} (${found}) in place of ONNX graphs in onnx/; ${todo}`;
  }
  return null;
}

/** Graphs below `onnx/` or the folder that lie deeper than exporters put them, by folder. */
export async function deeperGraphs(folder: string): Promise<string[]> {
  const places = (await filesBelow(folder))
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => file.slice(0, Math.max(0, file.lastIndexOf('/'))));
  return [...new Set(places)].filter((place) => place !== '' && place !== 'onnx');
}

/** Links of a folder that lead nowhere. */
export async function deadLinks(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const dead = await Promise.all(names.map((name) => deadLink(`${folder}/${name}`)));
  return names.filter((_, i) => dead[i] !== undefined);
}

async function filesBelow(folder: string, prefix = '', left = depth): Promise<string[]> {
  const entries = await readdir(`${folder}/${prefix}`, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory() && left > 0) found.push(...(await filesBelow(folder, `${path}/`, left - 1)));
    else found.push(path);
  }
  return found;
}
