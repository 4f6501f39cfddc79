import type { ModelParts } from './folder.ts';
import { headWidth, imageTokens } from './sizes.ts';
import { specialTokens } from './vocabulary.ts';

/** The model card: everything that is needed to run the folder without this project. */
export function modelCard(parts: ModelParts): string {
  const { sizes, name, about } = parts;
  const count = [parts.visionEncoder, parts.embedTokens, parts.decoder]
    .flatMap((graph) => [...graph.initializers])
    .filter(([key]) => key.endsWith('.weight') || key.endsWith('.bias') || key.endsWith('embedding'))
    .reduce((sum, [, tensor]) => sum + tensor.data.length, 0);
  return `# ${name}

A multimodal model for multiple-choice questions, shaped like LLaVA: ${count.toLocaleString('en')} parameters on
${sizes.imageSize}x${sizes.imageSize} grey images. Any ONNX Runtime runs the three files in \`onnx/\` (opset 17, standard operators only).

${about.trim()}

## Files
| file | inputs | outputs |
| --- | --- | --- |
| \`onnx/vision_encoder.onnx\` | \`pixel_values\` [n, 1, ${sizes.imageSize}, ${sizes.imageSize}] | \`image_features\` [n, ${imageTokens(sizes)}, ${sizes.width}], projector included |
| \`onnx/embed_tokens.onnx\` | \`input_ids\` [batch, length] int64 | \`inputs_embeds\` [batch, length, ${sizes.width}] |
| \`onnx/decoder_model_merged.onnx\` | \`inputs_embeds\`; \`attention_mask\` [batch, past + length] int64; \`position_ids\` [batch, length] int64; \`past_key_values.{0..${sizes.layers - 1}}.{key,value}\` [batch, ${sizes.heads}, past, ${headWidth(sizes)}], past may be 0 | \`logits\` [batch, length, ${sizes.vocabulary}]; \`present.*\` |

The decoder is pre-norm (LayerNorm, GELU) with Llama's rotary positions; the weights are named as in Hugging Face checkpoints,
each Linear's as [in, out].

## Prompt
\`{context} question: {question} {inside} option: A: {first} B: {second} C: {third} D: {fourth} {after} answer:\`

\`context\`, \`inside\` and \`after\` are texts that must not matter; what there is none of is left out. Texts and question are rendered: capital letters
become small ones and quotation marks are dropped (\`render\` below), but a capital letter that stands alone is an option's, unless it is "I", or
an "A" before a word in small letters. Options stay as they are. The tokenizer cuts at \`\\w+|[^\\w\\s]+\`; case matters, and a word outside
the vocabulary becomes \`${specialTokens.unknown}\`. An image stands before the prompt as ${imageTokens(sizes)} tokens \`${specialTokens.image}\`, whose embeddings are replaced by
\`image_features\`. Without an image there are no image tokens. Shorter rows of a batch are padded on the left:
\`attention_mask\` is 0 there, and \`position_ids\` count the other tokens from 0.

## Images
Grey (colours weighted .299, .587, .114; alpha dropped), resized bilinearly to ${sizes.imageSize}x${sizes.imageSize} without rounding, divided by 255, minus 0.286,
over 0.353.

## Answer
The option whose letter has the largest logit at the last position. Probabilities are the softmax over these letters alone.

## Use from Python
With \`numpy\`, \`onnxruntime\` and \`pillow\`, in this folder (the image is the script's argument, if there is one):

\`\`\`python
${pythonExample(parts)}
\`\`\`
`;
}

/** Asks one question with or without an image. */
function pythonExample({ sizes }: ModelParts): string {
  return `import json, re, sys
import numpy as np, onnxruntime as ort
from PIL import Image

config = json.load(open('config.json', encoding='utf-8'))
vocabulary = json.load(open('tokenizer.json', encoding='utf-8'))['model']['vocab']
load = lambda name: ort.InferenceSession(f'onnx/{name}.onnx', providers=['CPUExecutionProvider'])
vision, embed, decoder = load('vision_encoder'), load('embed_tokens'), load('decoder_model_merged')

options = ['bag', 'sandal', 'coat', 'sneaker']
context = 'We are looking at a boot.'
question = 'Which item is in the picture?'

def render(text):
    text = re.sub('["“”„‟«»「」『』‘‚]', '', text.replace('’', "'"))
    option = r"(?<![\\w'-])(?:A(?! [a-z])|[B-HJ-Z])(?![\\w'-])"
    return ''.join(part if i % 2 else part.lower() for i, part in enumerate(re.split(f'({option})', text)))

prompt = f'{render(context)} question: {render(question)} option: ' + ' '.join(
    f'{letter}: {option}' for letter, option in zip('ABCD', options)) + ' answer:'
words = re.findall(r'\\w+|[^\\w\\s]+', prompt)
ids = np.array([[vocabulary.get(word, vocabulary['${specialTokens.unknown}']) for word in words]])
embeds = embed.run(None, {'input_ids': ids})[0]
if len(sys.argv) > 1:
    grey = Image.open(sys.argv[1]).convert('L').convert('F').resize((${sizes.imageSize}, ${sizes.imageSize}), Image.BILINEAR)
    pixels = (np.array(grey, np.float32)[None, None] / 255 - 0.286) / 0.353
    embeds = np.concatenate([vision.run(None, {'pixel_values': pixels})[0], embeds], axis=1)

text = config['text_config']
feeds = {'inputs_embeds': embeds, 'attention_mask': np.ones(embeds.shape[:2], np.int64),
         'position_ids': np.arange(embeds.shape[1])[None]}
for i in range(text['num_hidden_layers']):
    for part in 'key', 'value':
        feeds[f'past_key_values.{i}.{part}'] = np.zeros((1, text['num_key_value_heads'], 0, text['head_dim']), np.float32)
logits = decoder.run(['logits'], feeds)[0][0, -1]
letters = logits[[vocabulary[letter] for letter in 'ABCD'[:len(options)]]]
chances = np.exp(letters - letters.max())
print(options[letters.argmax()], dict(zip(options, (chances / chances.sum()).round(4).tolist())))`;
}
