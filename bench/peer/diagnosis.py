"""The peer of the diagnosis comparison: the plain loop in PyTorch, eager, on the CPU.

Arguments: model folder, questions (JSON), threads, batch size. Every question is run whole, in the order given: its picture is read
and brought to size, its prompt tokenized, padded on the left to the longest of its batch, and the head applied at the last position. For
each line on stdin one JSON line: {"seconds", "loss"}, the loss being minus the mean log-probability of the first option's letter.
"""
import io
import json
import sys
import time

import torch
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
    model = Llava(folder)
    with torch.inference_mode():
        print(json.dumps({"ready": 1}), flush=True)
        for _ in sys.stdin:
            begin = time.perf_counter()
            loss = run(model, workload, images, int(batch))
            print(json.dumps({"seconds": time.perf_counter() - begin, "loss": loss}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
