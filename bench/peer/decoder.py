"""The peer of the decoder comparisons: the mini model's decoder in PyTorch, eager, on the CPU.

Reads a safetensors file of weights and batch (first argument) and a number of threads (second), prints one JSON line when
ready, then for each line on stdin one: "step" takes a step of the file's kind and gives {"seconds", "cpu", "loss"}, "memory" gives the
resident size after the imports and the largest so far. As on our side, the last block's queries and all that follows are computed at the last
position alone.
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
EPS, ALPHA = 1e-3, 0.1


def status(field):
    with open('/proc/self/status') as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(field + ':'))


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
    return tensors, notes


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
        self.adapters = nn.ParameterList()
        self.scale = 0.0

    def project(self, x):
        """Queries, keys and values, each [batch, heads, length, channels]; adapters hold down and up of queries, then of values."""
        query, key, value = self.qkv(x).chunk(3, -1)
        if self.adapters:
            a_query, b_query, a_value, b_value = self.adapters
            query = query + x @ a_query @ b_query * self.scale
            value = value + x @ a_value @ b_value * self.scale
        return [part.view(*x.shape[:2], self.heads, -1).transpose(1, 2) for part in (query, key, value)]

    def forward(self, x, bias, cos, sin, last):
        batch, length, width = x.shape
        query, key, value = self.project(self.norm1(x))
        key = turn(key, cos, sin)
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

    def embedded(self, ids, images, is_image):
        return torch.where(is_image, images, self.embed(ids))

    def forward(self, x, mask, positions):
        length = x.shape[1]
        seen = torch.ones(length, length, dtype=torch.bool).tril()[None, None] & mask.bool()[:, None, None]
        bias = torch.zeros(seen.shape).masked_fill(~seen, -1e9)
        frequencies = 10000.0 ** (-torch.arange(self.half) / self.half)
        angle = positions[:, None, :, None] * frequencies
        angle = torch.cat([angle, angle], -1)
        cos, sin = angle.cos(), angle.sin()
        for i, block in enumerate(self.blocks):
            x = block(x, bias, cos, sin, i == len(self.blocks) - 1)
        return self.head(self.norm(x[:, -1]))


def load(decoder, tensors, lora_scale):
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
        block.scale = lora_scale
        for part in 'qv':
            for half in 'AB':
                adapter = tensors.get(f'{prefix}self_attn.{part}_proj.lora_{half}')
                if adapter is not None:
                    block.adapters.append(nn.Parameter(adapter.clone()))


def training_step(decoder, batch):
    """Forward, backward, clipping, AdamW over whatever is trained."""
    trained = [p for p in decoder.parameters() if p.requires_grad]
    groups = [
        {'params': [p for p in trained if p.dim() > 1], 'weight_decay': 1e-4},
        {'params': [p for p in trained if p.dim() == 1], 'weight_decay': 0.0},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g['params']], lr=3e-4, betas=(0.9, 0.999), eps=1e-6)

    def step():
        x = decoder.embedded(batch['ids'], batch['images'], batch['is_image'])
        loss = F.cross_entropy(decoder(x, batch['mask'], batch['positions']), batch['answers'])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        return loss

    return step


def pgd_step(decoder, batch):
    """The gradient by the embeddings of the sum of the rows' losses, and one step of PGD along it."""
    with torch.no_grad():
        start = decoder.embedded(batch['ids'], batch['images'], batch['is_image'])
    delta = torch.zeros_like(start)

    def step():
        x = (start + delta).requires_grad_()
        loss = F.cross_entropy(decoder(x, batch['mask'], batch['positions']), batch['answers'], reduction='sum')
        (gradient,) = torch.autograd.grad(loss, x)
        delta.add_(gradient, alpha=ALPHA).clamp_(-EPS, EPS)
        return loss

    return step


def inference_step(decoder, batch):
    @torch.inference_mode()
    def step():
        x = decoder.embedded(batch['ids'], batch['images'], batch['is_image'])
        return F.cross_entropy(decoder(x, batch['mask'], batch['positions']), batch['answers'])

    return step


def main():
    start = status('VmRSS')
    torch.set_num_threads(int(sys.argv[2]))
    tensors, notes = read(sys.argv[1])
    kind = notes['kind']
    decoder = Decoder(json.loads(notes['sizes']))
    load(decoder, tensors, float(notes['lora_scale']))
    if kind != 'train':
        for name, parameter in decoder.named_parameters():
            parameter.requires_grad_('adapters' in name)
    batch = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith('batch.')}
    batch['is_image'] = batch['is_image'].bool()[..., None]
    step = {'pgd': pgd_step, 'infer': inference_step}.get(kind, training_step)(decoder, batch)
    print(json.dumps({'torch': torch.__version__, 'threads': torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        if line.strip() == 'memory':
            print(json.dumps({'start': start, 'peak': status('VmHWM')}), flush=True)
            continue
        begin, used = time.perf_counter(), time.process_time()
        loss = step()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - used
        print(json.dumps({'seconds': seconds, 'cpu': cpu, 'loss': loss.item()}), flush=True)


if __name__ == '__main__':
    main()
