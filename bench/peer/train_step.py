"""The peer of the training-step benchmark: the mini model's decoder in PyTorch, eager, on the CPU.

Reads a safetensors file of weights and batch (first argument) and a number of threads (second), prints one JSON line when
ready, then, for each line on stdin, takes one training step (forward, backward, AdamW) and prints {"seconds", "loss"}.
As on our side, the last block's queries and all that follows are computed at the last position alone.
"""
import json
import struct
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS = {'F32': np.float32, 'I64': np.int64, 'I32': np.int32}


def read(path):
    with open(path, 'rb') as file:
        header = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))
        data = file.read()
    notes = header.pop('__metadata__')
    tensors = {}
    for name, entry in header.items():
        start, end = entry['data_offsets']
        array = np.frombuffer(data[start:end], KINDS[entry['dtype']]).reshape(entry['shape'])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, json.loads(notes['sizes'])


def turn(x, cos, sin):
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


class Block(nn.Module):
    def __init__(self, width, heads, mlp):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, mlp), nn.Linear(mlp, width)

    def forward(self, x, bias, cos, sin, last):
        batch, length, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], turn(parts[1], cos, sin), parts[2]
        if last:
            query, cos, sin, bias, x = query[:, :, -1:], cos[:, :, -1:], sin[:, :, -1:], bias[:, :, -1:], x[:, -1:]
        attended = F.scaled_dot_product_attention(turn(query, cos, sin), key, value, attn_mask=bias)
        x = x + self.output(attended.transpose(1, 2).reshape(batch, -1, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Decoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width = sizes['width']
        self.half = width // sizes['heads'] // 2
        self.embed = nn.Embedding(sizes['vocabulary'], width)
        self.blocks = nn.ModuleList(Block(width, sizes['heads'], sizes['mlp']) for _ in range(sizes['layers']))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, sizes['vocabulary'], bias=False)

    def forward(self, ids, images, is_image, mask, positions):
        x = self.embed(ids)
        x = torch.where(is_image, images, x)
        length = ids.shape[1]
        seen = torch.ones(length, length, dtype=torch.bool).tril()[None, None] & mask.bool()[:, None, None]
        bias = torch.zeros(seen.shape).masked_fill(~seen, -1e9)
        frequencies = 10000.0 ** (-torch.arange(self.half) / self.half)
        angle = positions[:, None, :, None] * frequencies
        angle = torch.cat([angle, angle], -1)
        cos, sin = angle.cos(), angle.sin()
        for i, block in enumerate(self.blocks):
            x = block(x, bias, cos, sin, i == len(self.blocks) - 1)
        return self.head(self.norm(x[:, -1]))


def load(decoder, tensors):
    def put(module, name):
        module.weight.data.copy_(tensors[f'{name}.weight'].T if module.weight.dim() == 2 else tensors[f'{name}.weight'])
        module.bias.data.copy_(tensors[f'{name}.bias'])

    decoder.embed.weight.data.copy_(tensors['model.embed_tokens.weight'])
    decoder.head.weight.data.copy_(tensors['lm_head.weight'].T)
    put(decoder.norm, 'model.norm')
    for i, block in enumerate(decoder.blocks):
        prefix = f'model.layers.{i}.'
        put(block.norm1, prefix + 'input_layernorm')
        put(block.norm2, prefix + 'post_attention_layernorm')
        put(block.output, prefix + 'self_attn.o_proj')
        put(block.up, prefix + 'mlp.up_proj')
        put(block.down, prefix + 'mlp.down_proj')
        names = [f'{prefix}self_attn.{part}_proj' for part in 'qkv']
        block.qkv.weight.data.copy_(torch.cat([tensors[f'{name}.weight'].T for name in names]))
        block.qkv.bias.data.copy_(torch.cat([tensors[f'{name}.bias'] for name in names]))


def main():
    torch.set_num_threads(int(sys.argv[2]))
    tensors, sizes = read(sys.argv[1])
    decoder = Decoder(sizes)
    load(decoder, tensors)
    plain = [p for p in decoder.parameters() if p.dim() == 1]
    decayed = [p for p in decoder.parameters() if p.dim() > 1]
    groups = [{'params': decayed, 'weight_decay': 1e-4}, {'params': plain, 'weight_decay': 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.999), eps=1e-6)
    ids, mask, positions, answers = (tensors[f'batch.{name}'] for name in ('ids', 'mask', 'positions', 'answers'))
    images, is_image = tensors['batch.images'], tensors['batch.is_image'].bool()[..., None]
    print(json.dumps({'torch': torch.__version__, 'threads': torch.get_num_threads()}), flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        loss = F.cross_entropy(decoder(ids, images, is_image, mask, positions), answers)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        print(json.dumps({'seconds': time.perf_counter() - begin, 'loss': loss.item()}), flush=True)


main()
