import type { Tensor } from '../../engine/index.ts';
import type { PixelPlaces } from '../attacks/pixel-places.ts';
import type { ByteImage } from '../pillow.ts';
import type { Packing } from './families/packing.ts';
import type { ImageConfig } from './image-config.ts';

/** A picture as a vision encoder takes it. */
export interface VisionInput {
  /** By meaning: `pixel_values`, `pixel_attention_mask`, `image_grid_thw`, `image_sizes`; the encoder's own names may differ in front. */
  feeds: Record<string, Tensor>;
  /** What the layout of its tokens depends on beside their number (rows and columns of tiles, a grid); the family's own. */
  layout: readonly number[];
  /** Which pixels `pixel_values` shows; absent where it is planes of channels, [..., channels, height, width]. */
  places?(): PixelPlaces;
}

/** What one architecture does in its own way. */
export interface Family {
  /** What stands for a picture in a prompt, and the token that is repeated in its place. */
  readonly marker: string;
  readonly imageToken: number;
  /** Whether pictures of the same layout may go through the vision encoder together, stacked along the first axis. */
  readonly stacks: boolean;
  /** Set where the features also depend on the prompt's text, as with a Q-Former that reads the question. */
  readonly readsText?: boolean;
  /** Set where the picture's tokens stand before all others, also before the tokenizer's first one. */
  readonly leads?: boolean;
  /** The prompt of a model that brings no chat template. */
  prompt(text: string, withImage: boolean): string;
  /** A turn about a picture as one text, for chat templates that know texts alone. Default: marker, line break, text. */
  turn?(text: string): string;
  prepare(image: ByteImage, text: string): Promise<VisionInput>;
  /**
   * Which of the features that the encoder gives for a picture stand in the prompt; `results` are all its outputs, `features`
   * the number of numbers. Default, and null: all, as they are. Throws GuardError BAD_MODEL where their number does not fit.
   */
  packing?(
    features: number,
    results: Readonly<Record<string, Tensor>>,
    layout: readonly number[],
  ): Packing | null;
  /** What is written in place of the marker for `slots` features of a picture. */
  expand(slots: number, layout: readonly number[]): string;
  /** Positions of the tokens by axis (one, or three over time, height and width). Default: counted from 0. */
  positions?(ids: Int32Array, layout: readonly number[] | null): Int32Array[];
}

/** What a family is opened with. */
export interface FamilyContext {
  folder: string;
  config: Record<string, unknown>;
  /** processor_config.json; empty where there is none. */
  processorConfig: Record<string, unknown>;
  /** How pictures are prepared, and where that is written. */
  images: ImageConfig;
  /** The tokenizer's id of exactly this token. Throws GuardError BAD_MODEL where it has none. */
  tokenId(token: string): number;
}

export type OpenFamily = (context: FamilyContext) => Promise<Family>;
