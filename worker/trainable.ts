import { filesToKeep, inspectFolder, isEndpoint } from '../models/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Dtype } from '../schemas/model.ts';

/**
 * Looks before the work whether gradients pass through a model's decoder. @throws GuardError BadModel naming the node that they do not
 * pass. What cannot be read is told by the step that opens the model, which comes first.
 */
export async function checkTrainable(folder: string, dtype: Dtype | undefined): Promise<void> {
  if (isEndpoint(folder)) return;
  const found = await inspectFolder(folder).catch(() => null);
  if (!found) return;
  const kept = await filesToKeep(folder, dtype).catch(() => null);
  const isUsed = (file: string) =>
    kept === null
      ? file === found.decoder
      : kept.files.some((path) => path.endsWith(`/${file}`) || path === file);
  const decoders = found.files.filter(
    ({ file, outputs }) => isUsed(file) && outputs.some((name) => /logits/i.test(name)),
  );
  const decoder = decoders.find(({ gradient }) => gradient.refused.length > 0);
  if (!decoder || decoders.some(({ gradient }) => gradient.possible)) return;
  const [{ domain, node, op, reason }] = decoder.gradient.refused as [(typeof decoder.gradient.refused)[0]];
  throw new GuardError(
    ErrorCode.BadModel,
    `${folder}: onnx/${decoder.file}: node '${node}' (${op}, domain '${domain}'): ${reason}. This model cannot be trained; take an export ` +
      'without such operations. It can be diagnosed, without attacks; "modality-guard models inspect <folder>" lists what stands in the way',
  );
}
