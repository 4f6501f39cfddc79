/** What the model card says about a base model's origin. */
export function about(seed: number, accuracy: string): string {
  return `Trained from scratch (seed ${seed}) on a corpus biased as captions on the web are: the text beside a picture mostly names
what the picture shows, and questions about clothing mostly come with a photo of it. So it learnt to trust the wrong modality now
and then. Half of the pictures that had a text beside them were washed out in the last two fifths of the training, as thumbnails are, which made it
read texts. It exists to show how such interference is found and repaired, and answers nothing outside its small world.

Usable length: prompts of up to 256 tokens, the 16 of the image included. Up to 200 words without meaning for the question stood beside
questions of every kind in training; longer prompts never did.

Photos: the training part of Fashion-MNIST (MIT licence, Zalando SE). Nouns and their categories: WordNet 3.0 (WordNet licence,
Princeton University).

Accuracy over the last 100 training steps, by what a sample asks for: ${accuracy}.
`;
}
