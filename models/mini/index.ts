export { buildDecoder, buildEmbedTokens } from './decoder.ts';
export { imageTokens, type MiniSizes, miniSizes } from './sizes.ts';
export {
  buildProjector,
  buildTower,
  buildTowerWithHeads,
  buildVisionEncoder,
  stitchVisionEncoder,
} from './vision.ts';
export { initMini, type MiniWeights, weightSpecs } from './weights.ts';
