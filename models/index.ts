export type { AnswerModel, OpenOptions, Progress, RunOptions } from './answer-model.ts';
export type { AttackOptions, AttackResult } from './attacks/batch.ts';
export { type AttackKind, attackEmbeddings, type EmbeddingAttack } from './attacks/embeddings.ts';
export { irrelevantTokens } from './attacks/mini.ts';
export { embeddingSize } from './attacks/samples.ts';
export {
  bucketByLength,
  LENGTH_STEP,
  padBatch,
  paddedLength,
  type Sequence,
  sequenceOf,
  type TokenBatch,
} from './batch.ts';
export { decoderFeeds, openLastPosition } from './decoder.ts';
export {
  checkEndpoint,
  endpointFile,
  endpointId,
  isEndpoint,
  noGradients,
  readEndpoint,
  shownAddress,
} from './endpoint/config.ts';
export { openEndpoint } from './endpoint/endpoint.ts';
export { fetchFrom } from './endpoint/fetch.ts';
export { fingerprintOf } from './endpoint/fingerprint.ts';
export { type Forecast, forecastOf, looksAtModel, usualTokens } from './endpoint/forecast.ts';
export { noProxyOf, proxyFor, shownProxy } from './endpoint/proxy.ts';
export { type ModelConfig, type ModelFolder, modelFiles, readModelFolder } from './folder.ts';
export { AnswerGradients } from './gradient.ts';
export { HfModel } from './hf/model.ts';
export { adapterFolder } from './hf/select.ts';
export { identityOf, type ModelIdentity } from './identity.ts';
export type { ImageFeatures } from './images.ts';
export { type Inspection, inspectFolder } from './inspect/inspect.ts';
export { readJsonFile } from './json.ts';
export { buildDecoder, buildEmbedTokens } from './mini/decoder.ts';
export {
  deriveModelFolder,
  type ModelGraphs,
  type ModelParts,
  miniPreprocessor,
  writeModelFolder,
} from './mini/folder.ts';
export { renderForMini } from './mini/render.ts';
export { decoderSizes, imageTokens, type MiniSizes, miniSizes } from './mini/sizes.ts';
export {
  buildProjector,
  buildTower,
  buildTowerWithHeads,
  buildVisionEncoder,
  stitchVisionEncoder,
} from './mini/vision.ts';
export { specialTokens } from './mini/vocabulary.ts';
export { initMini, type MiniWeights, weightSpecs } from './mini/weights.ts';
export {
  type EmbeddedBatch,
  Model,
  openModel,
  placeImageFeatures,
} from './model.ts';
export { filesToKeep, isMiniFolder, openAnswerModel } from './open.ts';
export { mostOptionsOf } from './option-limit.ts';
export { pictureSizeOf } from './picture-size.ts';
export { decodeGrey, makeProcessor, type PreprocessorConfig, type Processor } from './processor.ts';
export { promptOf, questionText } from './prompt.ts';
export { resizeBilinear } from './resize.ts';
export { attackInThread, predictInThread, type ThreadRunOptions } from './threads.ts';
export { readTokenizer, type Tokenizer, wordsOf } from './tokenizer.ts';
export type { Check } from './verify/context.ts';
export { type Verification, verifyFolder } from './verify/verify.ts';
export { wholeFolder } from './whole-folder.ts';
