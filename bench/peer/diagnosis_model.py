"""Makes a LLaVA of moderate size (random weights) and its tokenizer for the diagnosis comparison.

Arguments: the questions (JSON, {"prompts": [..]}), on whose words the tokenizer is trained, and the folder to write: Hugging Face's
ONNX layout for us, model.safetensors for the peer.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlavaConfig, LlavaForConditionalGeneration

MAKE = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "vlm" / "make"
sys.path.insert(0, str(MAKE))

from exporter import export_graphs  # noqa: E402
from inputs import CLIP_MEAN, CLIP_STD, SPECIAL  # noqa: E402
from llava_qwen3 import VisionTower  # noqa: E402
from parts import Parts, Stage, run_stages  # noqa: E402

SIZE, PATCH, WIDTH, VOCABULARY = 224, 14, 256, 4096
TOKENS = (SIZE // PATCH) ** 2


def tokenizer(prompts):
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<unk>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    letters = [f" {chr(65 + i)}" for i in range(26)]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*prompts, *letters * 1000], trainer)
    return made


def config(made):
    text = dict(
        model_type="llama", vocab_size=made.get_vocab_size(), hidden_size=WIDTH, intermediate_size=688, num_hidden_layers=6,
        num_attention_heads=8, num_key_value_heads=8, head_dim=32, max_position_embeddings=2048, bos_token_id=1, eos_token_id=2,
        pad_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    vision = dict(
        model_type="clip_vision_model", hidden_size=WIDTH, intermediate_size=1024, projection_dim=WIDTH, num_hidden_layers=4,
        num_attention_heads=8, image_size=SIZE, patch_size=PATCH,
    )  # fmt: skip
    return LlavaConfig(
        text_config=text, vision_config=vision, image_token_index=made.token_to_id("<image>"), image_seq_length=TOKENS,
        tie_word_embeddings=False,
    )  # fmt: skip


class Sample:
    """What the exporter asks of a fixture."""

    def __init__(self, image_token):
        self.input_ids = torch.tensor([[1, *[image_token] * TOKENS, 9, 10, 11]])
        self.position_ids = torch.arange(self.input_ids.shape[1])[None]
        self.opsets = (16, 14)


def parts(model):
    stage = Stage("vision_encoder.onnx", VisionTower(model.model), {"pixel_values": {0: "batch_size"}}, {"image_features": {0: "batch_size"}})
    text = model.model.language_model
    return Parts([stage], text.embed_tokens, text, model.lm_head)


def write_json(path, contents):
    path.write_text(json.dumps(contents, indent=1))


def main(questions, folder):
    folder = pathlib.Path(folder)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    made = tokenizer(json.loads(pathlib.Path(questions).read_text())["prompts"])
    torch.manual_seed(1)
    model = LlavaForConditionalGeneration._from_config(config(made), attn_implementation="eager").eval()
    with torch.no_grad():
        # As initialised every token would look alike; so answers differ from picture to picture and text to text.
        for name, weight in model.named_parameters():
            weight.mul_(1 if weight.dim() < 2 else 3 if "proj" in name or "fc" in name else 10 if "embed" in name else 5)
        inputs = parts(model)
        sample = Sample(model.config.image_token_index)
        values = run_stages(inputs, {"pixel_values": torch.from_numpy(np.random.default_rng(1).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32))}, {})
        values["inputs_embeds"] = inputs.embed(sample.input_ids)
        export_graphs(sample, inputs, values, folder / "onnx")
    made.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {**SPECIAL, "model_max_length": 2048})
    write_json(folder / "preprocessor_config.json", {
        "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD, "resample": 3, "image_processor_type": "CLIPImageProcessor", "do_center_crop": True,
        "size": {"shortest_edge": SIZE}, "crop_size": {"height": SIZE, "width": SIZE}, "processor_class": "LlavaProcessor",
    })  # fmt: skip
    write_json(folder / "processor_config.json", {"processor_class": "LlavaProcessor", "image_token": "<image>", "patch_size": PATCH})
    model.save_pretrained(folder)
    print(json.dumps({"made": str(folder)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
