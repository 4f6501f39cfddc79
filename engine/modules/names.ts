import type { Graph, Node } from '../onnx/graph.ts';
import { type Linear, linearOf, PASSING, type Place, placeOf } from './parts.ts';
import { GraphView } from './view.ts';

/** A place where a graph reads a stored tensor, with every name that the exporter left there. */
export interface NamedPlace {
  place: Place;
  /** Names as the architecture may have had them: of the tensor itself, and by the scope of the node. */
  names: string[];
  /** Where the tensor is the weight of a product. */
  linear?: Linear;
}

/** Whether a node asks for the operand's shape or type alone: unoptimised exports do so of weights, too. */
function passesOver({ opType }: Node, operand: number): boolean {
  return opType === 'Shape' || opType === 'Size' || (opType === 'CastLike' && operand === 1);
}

/** Every place where a graph reads the elements of a stored tensor of more than one. */
export function namedPlaces(graph: Graph): NamedPlace[] {
  const view = new GraphView(graph);
  return graph.nodes.flatMap((node) => {
    if (PASSING.has(node.opType) && view.isFixed(node.outputs[0])) return [];
    const linear = linearOf(view, node);
    return node.inputs.flatMap((_, operand) => {
      const place = placeOf(view, node, operand);
      if (!place || passesOver(node, operand) || place.dims.every((dim) => dim === 1)) return [];
      const own = linear?.weight.operand === operand ? linear : undefined;
      const names = [...tensorNames(view, place, node), ...scopeNames(node, operand)];
      // Where a product's weight was renamed, that of its bias often was not.
      const bias = own?.bias && view.producer(own.bias.output);
      if (own?.bias && bias) {
        const beside = tensorNames(view, own.bias, bias).filter((name) => name.endsWith('.bias'));
        names.push(...beside.map((name) => name.replace(/bias$/, 'weight')));
      }
      return [{ place, names: [...new Set(names)], ...(own ? { linear: own } : {}) }];
    });
  });
}

/** Names between the node and the stored tensor: exporters that merge equal tensors leave the old ones on Identity. */
function tensorNames(view: GraphView, place: Place, node: Node): string[] {
  const names: string[] = [];
  let name = node.inputs[place.operand];
  while (name) {
    names.push(name);
    name = view.producer(name)?.inputs[0];
  }
  return names;
}

/** '/multi_modal_projector/linear_1/MatMul' reads 'multi_modal_projector.linear_1.weight'. */
function scopeNames(node: Node, operand: number): string[] {
  const scopes = node.name.split('/').slice(0, -1).filter(Boolean);
  if (scopes.length === 0) return [];
  // A sequence 'mlp' and its member 'mlp.2' are one component after the other.
  const path = scopes.filter((scope, i) => !scopes[i + 1]?.startsWith(`${scope}.`)).join('.');
  const role = roleOf(node, operand);
  return role ? [`${path}.${role}`] : [];
}

function roleOf(node: Node, operand: number): 'weight' | 'bias' | undefined {
  if (node.opType === 'Gather') return operand === 0 ? 'weight' : undefined;
  if (node.opType === 'Add') return 'bias';
  if (node.opType === 'Mul' || operand === 1) return 'weight';
  return operand === 2 ? 'bias' : undefined;
}

/**
 * How well a name fits a parameter's: infinite where they are equal, else the number of last components that agree, 0 where more than a leading component
 * of the name is left over (that of a wrapper) or where it belongs to another layer.
 */
export function nameFit(parameter: string, name: string): number {
  if (name === parameter) return Number.POSITIVE_INFINITY;
  const [wanted, given] = [parameter.split('.').reverse(), name.split('.').reverse()];
  let same = 0;
  while (same < given.length && given[same] === wanted[same]) same++;
  const rest = given.slice(same);
  const wrapped = rest.length === 0 || (rest.length === 1 && !/^\d+$/.test(rest[0] as string));
  return same >= 2 && wrapped ? same : 0;
}
