export { type AttackKind, attackEmbeddings, type EmbeddingAttack, maskedPower } from './attack.ts';
export {
  bucketByLength,
  LENGTH_STEP,
  padBatch,
  paddedLength,
  type Sequence,
  sequenceOf,
  type TokenBatch,
} from './batch.ts';
export { type ModelConfig, type ModelFolder, modelFiles, readModelFolder } from './folder.ts';
export { buildDecoder, buildEmbedTokens } from './mini/decoder.ts';
export {
  deriveModelFolder,
  type ModelGraphs,
  type ModelParts,
  miniPreprocessor,
  writeModelFolder,
} from './mini/folder.ts';
export { imageTokens, type MiniSizes, miniSizes } from './mini/sizes.ts';
export {
  buildProjector,
  buildTower,
  buildTowerWithHeads,
  buildVisionEncoder,
  stitchVisionEncoder,
} from './mini/vision.ts';
export { miniVocabulary, specialTokens } from './mini/vocabulary.ts';
export { initMini, type MiniWeights, weightSpecs } from './mini/weights.ts';
export { decodeGrey, makeProcessor, type PreprocessorConfig, type Processor } from './processor.ts';
export { optionLetters, promptOf } from './prompt.ts';
export { readTokenizer, type Tokenizer, wordsOf } from './tokenizer.ts';
