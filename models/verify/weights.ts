import {
  type Graph,
  type Module,
  modulesOf,
  type NamedPlace,
  namedPlaces,
  nameFit,
  type ProbeTarget,
  type Tensor,
} from '../../engine/index.ts';
import { numbersOf } from './numbers.ts';
import type { Reference } from './reference.ts';

/** One piece of a parameter: a weight of a graph, or features [start, end) of it. */
export interface Piece {
  target: ProbeTarget;
  slice?: [number, number];
}

/** Where a stored gradient's parameter lies. */
export interface Located {
  graph: Graph;
  pieces: Piece[];
  /**
   * How the pieces make up the parameter: one after the other; where several nodes read one tensor, all of them or (the
   * exporter merged equal tensors) one; or, where no more than the shape is known, one of them.
   */
  as: 'joined' | 'shared' | 'candidates';
}

/** Names that other architectures give to a module. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  [/self_attn\.(out_proj|dense|wo)$/, 'self_attn.o_proj'],
  [/(?<=layers\.\d+\.)(self_attn_layer_norm|ln_1|attention_norm)$/, 'input_layernorm'],
  [/(?<=layers\.\d+\.)(final_layer_norm|ln_2|ffn_norm)$/, 'post_attention_layernorm'],
  [/(?<=layers\.\d+\.)(fc[12])$/, 'mlp.$1'],
  [/^(final_layer_norm|final_layernorm|final_norm|ln_f)$/, 'norm'],
];

/** Parameters of what stands before the decoder. */
export const NOT_DECODER =
  /vision|visual|projector|connector|merger|qformer|query_tokens|image|language_projection/;

/** Finds the places of parameters in the graphs of a folder. */
export class WeightFinder {
  private readonly decoder: Graph;
  private readonly stages: readonly Graph[];
  private readonly reference: Reference;
  private readonly trustMap: boolean;
  private readonly modules: ReadonlyMap<string, Module>;
  private readonly places = new Map<Graph, NamedPlace[]>();

  /** `trustMap`: reference.json was written for this decoder file. */
  constructor(decoder: Graph, stages: readonly Graph[], reference: Reference, trustMap: boolean) {
    this.decoder = decoder;
    this.stages = stages;
    this.reference = reference;
    this.trustMap = trustMap;
    this.modules = new Map(modulesOf(decoder).map((module) => [module.path.replace(/^model\./, ''), module]));
  }

  /** `parameter` is the gradient's name without 'grad.', `dims` its shape. Undefined where no weight has this shape. */
  find(parameter: string, dims: readonly number[]): Located | undefined {
    const foreign = NOT_DECODER.test(parameter);
    const graphs = foreign ? [...this.stages, this.decoder] : [this.decoder, ...this.stages];
    return (
      this.byMap(parameter) ??
      this.byValue(parameter, graphs) ??
      (foreign ? undefined : this.byPosition(parameter)) ??
      this.byName(parameter, dims, graphs) ??
      this.byMap(parameter, true) ??
      this.byShape(dims, graphs)
    );
  }

  private placesOf(graph: Graph): NamedPlace[] {
    const known = this.places.get(graph) ?? namedPlaces(graph);
    this.places.set(graph, known);
    return known;
  }

  /** By reference.json; where the exporter merged equal tensors, so that `several` nodes read it, only as a last resort. */
  private byMap(parameter: string, several = false): Located | undefined {
    const entry = this.reference.initializers[parameter];
    if (!entry) return undefined;
    for (const graph of this.trustMap ? [this.decoder, ...this.stages] : this.stages) {
      const places = this.placesOf(graph).filter(({ place }) => place.initializer === entry.initializer);
      if (places.length === 1 || (several && places.length > 0)) return located(graph, places);
    }
    return undefined;
  }

  private byValue(parameter: string, graphs: readonly Graph[]): Located | undefined {
    const { arrays } = this.reference;
    const stored = ['', 'weight.', 'weights.', 'param.'].map((prefix) => arrays.get(prefix + parameter));
    const value = stored.find((tensor) => tensor !== undefined);
    if (!value) return undefined;
    for (const graph of graphs) {
      const places = this.placesOf(graph).filter(({ place }) => {
        const tensor = graph.initializers.get(place.initializer);
        return tensor && sameValues(tensor, value);
      });
      if (places.length === 1) return located(graph, places);
    }
    return undefined;
  }

  private byPosition(parameter: string): Located | undefined {
    const path = parameter.replace(/^.*?(?=layers\.\d+\.)/, '').replace(/^(\w+\.)*(?=(norm|lm_head)\.)/, '');
    const kind = path.endsWith('.bias') ? 'bias' : 'weight';
    let stem = path.replace(/\.(weight|bias)$/, '');
    for (const [pattern, usual] of ALIASES) stem = stem.replace(pattern, usual);
    const packed = { qkv_proj: ['q', 'k', 'v'], gate_up_proj: ['gate', 'up'] };
    const [, parent, name] = /^(.*\.)(\w+)$/.exec(stem) ?? [];
    const parts = packed[name as keyof typeof packed]?.map((side) => `${parent}${side}_proj`) ?? [];
    const names = this.modules.has(stem) ? [stem] : parts;
    const modules = names.map((each) => this.modules.get(each));
    const pieces = modules.map((module) => module && pieceOf(module, kind));
    if (pieces.length === 0 || pieces.some((piece) => !piece)) return undefined;
    return { graph: this.decoder, pieces: pieces as Piece[], as: 'joined' };
  }

  private byName(parameter: string, dims: readonly number[], graphs: readonly Graph[]): Located | undefined {
    const plain = parameter.slice(parameter.indexOf(':') + 1);
    const fits = graphs.flatMap((graph) =>
      this.placesOf(graph)
        .filter((place) => hasShape(place, dims))
        .map((place) => ({
          graph,
          place,
          fit: Math.max(0, ...place.names.map((name) => nameFit(plain, name))),
        })),
    );
    const best = Math.max(0, ...fits.map(({ fit }) => fit));
    const winners = fits.filter(({ fit }) => fit === best);
    const graph = winners[0]?.graph;
    if (best === 0 || !graph) return undefined;
    const here = winners.filter((winner) => winner.graph === graph).map(({ place }) => place);
    return located(graph, here);
  }

  private byShape(dims: readonly number[], graphs: readonly Graph[]): Located | undefined {
    for (const graph of graphs) {
      const places = this.placesOf(graph).filter((place) => hasShape(place, dims));
      if (places.length > 0) return { ...located(graph, places), as: 'candidates' };
    }
    return undefined;
  }
}

function located(graph: Graph, places: readonly NamedPlace[]): Located {
  const pieces = places.map(({ place, linear }) => ({ target: { place, ...(linear ? { linear } : {}) } }));
  const values = new Set(places.map(({ names }) => names[0]));
  return { graph, pieces, as: values.size === 1 ? 'shared' : 'candidates' };
}

function pieceOf(module: Module, kind: 'weight' | 'bias'): Piece | undefined {
  const { place, bias, slice, input, output, inFeatures, outFeatures } = module;
  if (kind === 'bias') return bias && { target: { place: bias }, ...(slice ? { slice } : {}) };
  if (inFeatures === undefined || outFeatures === undefined) return { target: { place } };
  const linear = { input, output, inFeatures, outFeatures, transposed: module.transposed !== place.turned };
  return { target: { place, linear }, ...(slice ? { slice } : {}) };
}

function hasShape({ place, linear }: NamedPlace, dims: readonly number[]): boolean {
  if (linear) {
    const size = linear.inFeatures * linear.outFeatures;
    return dims[0] === linear.outFeatures && dims.reduce((a, b) => a * b, 1) === size;
  }
  return place.dims.join() === dims.join() || squeezed(place.dims) === squeezed(dims);
}

const squeezed = (dims: readonly number[]) => dims.filter((dim) => dim !== 1).join();

/** Equal up to rounding to half precision, as they lie or turned round. */
function sameValues(tensor: Tensor, value: Tensor): boolean {
  if (tensor.data.length !== value.data.length || !/float/.test(tensor.dtype)) return false;
  const [a, b] = [numbersOf(tensor), numbersOf(value)];
  const near = (x: number, y: number) => Math.abs(x - y) <= 1e-3 * Math.abs(y) + 1e-6;
  if (tensor.dims.join() === value.dims.join() && a.every((x, i) => near(x, b[i] as number))) return true;
  const [rows, columns] = value.dims as [number, number];
  if (value.dims.length !== 2 || tensor.dims.join() !== `${columns},${rows}`) return false;
  return a.every((x, i) => near(x, b[(i % rows) * columns + Math.floor(i / rows)] as number));
}
