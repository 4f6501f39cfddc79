export {
  applyLora,
  dropoutInput,
  type LoraOptions,
  loraNames,
  newAdapters,
} from './apply.ts';
export { mergeLora } from './merge.ts';
export { type LinearModule, loraModules } from './module.ts';
export { type PeftOptions, peftAdapter, peftFiles } from './peft.ts';
