import { type FunctionProto, type NodeProto, type OperatorSetIdProto, toNumber } from './proto.ts';

/**
 * The nodes with the functions that the file itself defines written out where they are called, and the functions that
 * stay as they are: those written for another version of an operator set than the graph's. `opsets` grows by the
 * domains that only the functions name.
 */
export function withoutFunctions(
  nodes: readonly NodeProto[],
  functions: readonly FunctionProto[],
  opsets: Map<string, number>,
): { nodes: NodeProto[]; functions: FunctionProto[] } {
  const open = new Map<string, FunctionProto>();
  const kept: FunctionProto[] = [];
  for (const each of functions) {
    if (sharesOpsets(each.opsetImport ?? [], opsets))
      open.set(keyOf(each.domain, each.name, each.overload), each);
    else kept.push(each);
  }
  let calls = 0;
  const writtenOut = (node: NodeProto): NodeProto[] => {
    const called = open.get(keyOf(node.domain, node.opType, node.overload));
    return called
      ? bodyOf(called, node, `${node.name || node.opType}/${calls++}`).flatMap(writtenOut)
      : [node];
  };
  return { nodes: nodes.flatMap(writtenOut), functions: kept };
}

function keyOf(domain = '', name = '', overload = ''): string {
  return `${domain}:${name}:${overload}`;
}

function sharesOpsets(imports: readonly OperatorSetIdProto[], opsets: Map<string, number>): boolean {
  const wanted = imports.map(
    ({ domain = '', version }) => [domain === 'ai.onnx' ? '' : domain, toNumber(version)] as const,
  );
  if (wanted.some(([domain, version]) => (opsets.get(domain) ?? version) !== version)) return false;
  for (const [domain, version] of wanted) opsets.set(domain, version);
  return true;
}

/** A function's nodes over the values of one call; what is inside is named after `scope`. */
function bodyOf(called: FunctionProto, call: NodeProto, scope: string): NodeProto[] {
  const inputs = new Map((called.input ?? []).map((name, i) => [name, call.input?.[i] ?? '']));
  const outputs = new Map((called.output ?? []).map((name, i) => [name, call.output?.[i] ?? '']));
  const named = (name: string) => name && (inputs.get(name) ?? (outputs.get(name) || `${scope}/${name}`));
  const given = new Map(
    [...(called.attributeProto ?? []), ...(call.attribute ?? [])].map((entry) => [entry.name, entry]),
  );
  const body = (called.node ?? []).map((node) => ({
    ...node,
    name: `${scope}/${node.name || node.opType}`,
    input: (node.input ?? []).map(named),
    output: (node.output ?? []).map(named),
    attribute: (node.attribute ?? []).flatMap((entry) => {
      if (!entry.refAttrName) return [entry];
      const value = given.get(entry.refAttrName);
      return value ? [{ ...value, name: entry.name }] : [];
    }),
  }));
  const passed = [...outputs].filter(([name, output]) => output && inputs.has(name));
  const identities = passed.map(([name, output]) => ({
    name: `${scope}/${output}`,
    opType: 'Identity',
    input: [inputs.get(name) as string],
    output: [output],
  }));
  return [...body, ...identities];
}
