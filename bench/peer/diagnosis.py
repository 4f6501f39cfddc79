"""The peer of the diagnosis comparison: the plain loop in PyTorch, eager, on the CPU.

Arguments: model folder, questions (JSON), threads, batch size. Every question is run whole, in the order given: its picture is read
and brought to size, its prompt tokenized, padded on the left to the longest of its batch, and the head applied at the last position. For
each line on stdin one JSON line: {"seconds", "loss"}, the loss being minus the mean log-probability of the first option's letter.
"""
import io
import json
import pathlib
import sys
import time

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from decoder import Block, Decoder, load
from onnx import numpy_helper
from PIL import Image
from tokenizers import Tokenizer
from transformers import LlavaForConditionalGeneration
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil


class Llava:
    def __init__(self, folder):
        self.model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = CLIPImageProcessorPil.from_pretrained(folder)
        self.tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.image_token = self.model.config.image_token_index
        self.slots = self.model.config.image_seq_length
        self.letters = [self.tokenizer.encode(f" {chr(65 + i)}").ids[-1] for i in range(26)]

    def ids(self, question):
        image = "<image>\n" if question["image"] is not None else ""
        ids = self.tokenizer.encode(f"USER: {image}{question['text']} ASSISTANT:").ids
        return [part for id in ids for part in ([id] * self.slots if id == self.image_token else [id])]

    def logits(self, questions, images):
        rows = [self.ids(question) for question in questions]
        length = max(map(len, rows))
        input_ids = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.zeros_like(input_ids)
        for i, row in enumerate(rows):
            input_ids[i, length - len(row) :] = torch.tensor(row)
            mask[i, length - len(row) :] = 1
        pictures = [Image.open(io.BytesIO(images[q["image"]])).convert("RGB") for q in questions if q["image"] is not None]
        pixels = {"pixel_values": self.processor(pictures, return_tensors="pt")["pixel_values"]} if pictures else {}
        return self.model(input_ids=input_ids, attention_mask=mask, logits_to_keep=1, use_cache=False, **pixels).logits[:, -1]


class Mini:
    """The embedded model, its weights read from the ONNX files."""

    def __init__(self, folder):
        weights = {}
        for path in sorted((pathlib.Path(folder) / "onnx").glob("*.onnx")):
            for tensor in onnx.load(path).graph.initializer:
                weights[tensor.name] = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        config = json.loads((pathlib.Path(folder) / "config.json").read_text())
        text, vision = config["text_config"], config["vision_config"]
        sizes = dict(vocabulary=text["vocab_size"], width=text["hidden_size"], layers=text["num_hidden_layers"],
                     heads=text["num_attention_heads"], mlp=text["intermediate_size"])  # fmt: skip
        self.processor = json.loads((pathlib.Path(folder) / "preprocessor_config.json").read_text())
        self.weights, self.decoder = weights, Decoder(sizes)
        load(self.decoder, weights, 0)
        # The tower's blocks are those of a decoder: names aside, and without positions and mask.
        self.tower = torch.nn.ModuleList(Block(sizes["width"], sizes["heads"], sizes["mlp"]) for _ in range(vision["num_hidden_layers"]))
        stand_in = Decoder({**sizes, "layers": len(self.tower)})
        stand_in.blocks = self.tower
        renamed = {name.replace("vision_tower.encoder.layers", "model.layers"): w for name, w in weights.items() if name.startswith("vision_tower")}
        load(stand_in, {**{name: w for name, w in weights.items() if "layers" not in name}, **renamed}, 0)
        self.tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.image_token, self.slots = config["image_token_index"], config["image_seq_length"]
        self.letters = [self.tokenizer.token_to_id(chr(65 + i)) for i in range(26) if self.tokenizer.token_to_id(chr(65 + i)) is not None]

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def conv(self, name, x, stride, pad):
        name = f"vision_tower.{name}"
        return F.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], stride, pad)

    def pixels(self, data):
        image = Image.open(io.BytesIO(data)).convert("L").convert("F")
        size = self.processor["size"]
        image = np.asarray(image.resize((size["width"], size["height"]), Image.BILINEAR)) * self.processor["rescale_factor"]
        return (image - self.processor["image_mean"][0]) / self.processor["image_std"][0]

    def features(self, pixels):
        x = F.gelu(self.conv("conv2", F.gelu(self.conv("conv1", pixels, 2, 2)), 1, 1))
        x = self.conv("patch_embedding", x, 7, 0).flatten(2).transpose(1, 2) + self.weights["vision_tower.position_embedding"]
        for block in self.tower:
            x = block(x, None, torch.ones(1), torch.zeros(1), False)
        scale, shift = (self.weights[f"vision_tower.post_layernorm.{part}"] for part in ("weight", "bias"))
        x = F.layer_norm(x, x.shape[-1:], scale, shift)
        x = self.linear("multi_modal_projector.linear_2", F.gelu(self.linear("multi_modal_projector.linear_1", x)))
        return x + self.weights["multi_modal_projector.position_embedding"]

    def logits(self, questions, images):
        rows = [[self.image_token] * self.slots * (q["image"] is not None) + self.tokenizer.encode(q["text"]).ids for q in questions]
        length = max(map(len, rows))
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        mask, positions = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, length - len(row) :] = torch.tensor(row)
            mask[i, length - len(row) :] = 1
            positions[i, length - len(row) :] = torch.arange(len(row))
        x = self.decoder.embed(ids)
        with_image = [i for i, q in enumerate(questions) if q["image"] is not None]
        if with_image:
            pixels = np.stack([self.pixels(images[questions[i]["image"]]) for i in with_image])[:, None]
            x[ids == self.image_token] = self.features(torch.from_numpy(pixels.astype(np.float32))).flatten(0, 1)
        return self.decoder(x, mask, positions)


def run(model, workload, images, batch):
    total = 0.0
    questions = workload["questions"]
    for start in range(0, len(questions), batch):
        rows = questions[start : start + batch]
        logits = model.logits(rows, images)
        for row, question in zip(logits, rows):
            chosen = row[model.letters[: question["options"]]]
            total -= torch.log_softmax(chosen, -1)[0].item()
    return total / len(questions)


def main(folder, questions, threads, batch):
    torch.set_num_threads(int(threads))
    with open(questions) as file:
        workload = json.load(file)
    images = []
    for path in workload["images"]:
        with open(path, "rb") as file:
            images.append(file.read())
    model = (Llava if (pathlib.Path(folder) / "model.safetensors").exists() else Mini)(folder)
    with torch.inference_mode():
        print(json.dumps({"ready": 1}), flush=True)
        for _ in sys.stdin:
            begin = time.perf_counter()
            loss = run(model, workload, images, int(batch))
            print(json.dumps({"seconds": time.perf_counter() - begin, "loss": loss}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
