import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type ImageConfig, processorClass } from './image-config.ts';
import type { HfLibrary } from './library.ts';

type Process = InstanceType<HfLibrary['ImageProcessor']>;
type ProcessorClass = new (config: Record<string, unknown>) => Process;

/**
 * The library's processor for a configuration. `known` are the processors, by their names without "ImageProcessor", that the family's
 * towers take pictures from; Throws GuardError BAD_MODEL naming the file.
 */
export function imageProcessor(
  library: HfLibrary,
  { json, path }: ImageConfig,
  known: readonly string[],
): Process {
  const name = processorClass(json);
  if (!known.includes(name.replace(/ImageProcessor$/, ''))) {
    const what = `${path}: image_processor_type is ${name}; known for this model_type are ${known.map((each) => `${each}ImageProcessor`).join(', ')}`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  if (name === 'LlavaImageProcessor' && json.do_pad === true) {
    const what = `${path}: do_pad is true; supported is a picture cut to a square (do_pad false)`;
    throw new GuardError(ErrorCode.BadModel, what);
  }
  const classes = library as unknown as Record<string, ProcessorClass | undefined>;
  return new (classes[name] ?? classes.ImageProcessor!)(json);
}
