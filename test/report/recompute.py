"""Computes the accuracies of a run's report again, with ONNX Runtime for Python and the trained model as exported.

    modality-guard models export <digest of model.trained> --out <model folder>
    python test/report/recompute.py <report.json> <store> <model folder>

Needs numpy, onnxruntime, pillow and pyarrow; nothing of ours. Exit code 1 where a figure differs by more than one answer.
"""
import io
import json
import re
import sys

import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq
from PIL import Image

report_file, store, folder = sys.argv[1:]
report = json.load(open(report_file, encoding="utf-8"))
vocabulary = json.load(open(f"{folder}/tokenizer.json", encoding="utf-8"))["model"]["vocab"]
config = json.load(open(f"{folder}/config.json", encoding="utf-8"))["text_config"]
load = lambda name: ort.InferenceSession(f"{folder}/onnx/{name}.onnx", providers=["CPUExecutionProvider"])
vision, embed, decoder = load("vision_encoder"), load("embed_tokens"), load("decoder_model_merged")
empty = np.zeros((1, config["num_key_value_heads"], 0, config["head_dim"]), np.float32)
past = {i.name: empty for i in decoder.get_inputs() if i.name.startswith("past_key_values")}


def predict(row):
    options = " ".join(f"{letter}: {option}" for letter, option in zip("ABCD", row["options"]))
    context = f"{row['context']} " if row["context"] else ""
    prompt = f"{context}question: {row['question']} option: {options} answer:"
    ids = [vocabulary.get(word, vocabulary["<unk>"]) for word in re.findall(r"\w+|[^\w\s]+", prompt)]
    embeds = embed.run(None, {"input_ids": np.array([ids])})[0]
    if row["image"]:
        picture = Image.open(io.BytesIO(row["image"]["bytes"])).convert("L").convert("F")
        picture = picture.resize((56, 56), Image.BILINEAR)
        pixels = ((np.asarray(picture, np.float32) / 255 - 0.286) / 0.353)[None, None].astype(np.float32)
        embeds = np.concatenate([vision.run(None, {"pixel_values": pixels})[0], embeds], 1)
    length = embeds.shape[1]
    feeds = {
        "inputs_embeds": embeds,
        "attention_mask": np.ones((1, length), np.int64),
        "position_ids": np.arange(length)[None],
        **past,
    }
    logits = decoder.run(["logits"], feeds)[0][0, -1]
    return int(np.argmax([logits[vocabulary[letter]] for letter in "ABCD"[: len(row["options"])]]))


differs = 0
for condition, figures in report["trained"].items():
    digest = report["artifacts"][f"samples/{condition}"]["digest"].removeprefix("sha256:")
    rows = pq.read_table(f"{store}/sha256/{digest[:2]}/{digest}").to_pylist()
    right = sum(predict(row) == row["answer"] for row in rows)
    same = len(rows) == figures["n"] and abs(right - figures["accuracy"] * figures["n"]) <= 1.0001
    differs += not same
    print(f"{'same' if same else 'DIFFERS'}  {condition:36} {right / len(rows):.4f}  report {figures['accuracy']:.4f}")
sys.exit(1 if differs else 0)
