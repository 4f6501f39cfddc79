/** What the model card says about a base model's origin. */
export function about(seed: number, accuracy: string): string {
  return `Trained from scratch (seed ${seed}) on a corpus biased as captions on the web are: the text beside a picture mostly names
what the picture shows, and questions about clothing mostly come with a photo of it. So it learnt to trust the wrong modality now
and then. It exists to show how such interference is found and repaired, and answers nothing outside its small world.

Photos: the training part of Fashion-MNIST (MIT licence, Zalando SE). Nouns and their categories: WordNet 3.0 (WordNet licence,
Princeton University).

Accuracy over the last 100 training steps, by what a sample asks for: ${accuracy}.
`;
}
