#!/usr/bin/env python3
"""Measures `transformers` in float32 as bench/inference.rs measures this project.

    venv/bin/python bench/transformers_reference.py [THREADS]

Prints one JSON object a line with the same measures. The prompts are those of the parity vectors;
the models are those of `make models`, or of the folder that SN1_MODELS names.
"""

import json
import os
import pathlib
import sys
import time

import tokenizers
import torch
import transformers

N_PROMPT = 230
N_DECODED = 64
N_REPEATS = 3
N_TEXTS = 20
N_WORDS = 200
MAX_EMBEDDED = 256
BATCH_TEXTS = 16

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = pathlib.Path(os.environ.get("SN1_MODELS", ROOT / "models"))
VECTORS = pathlib.Path(os.environ.get("SN1_VECTORS", ROOT / "tests/data")) / "inference/vectors"


def cases(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]


def best(run):
    return min(run() for _ in range(N_REPEATS))


def report(measure, unit, value):
    line = {
        "implementation": "transformers",
        "measure": measure,
        "unit": unit,
        "threads": torch.get_num_threads(),
        "value": value,
    }
    print(json.dumps(line), flush=True)


def prefill(model, ids):
    start = time.perf_counter()
    model(ids, use_cache=True, logits_to_keep=1).logits[0, -1].argmax().item()
    return time.perf_counter() - start


def decode(model, prompts, n_sequences):
    ids = torch.tensor([prompts[idx % len(prompts)] for idx in range(n_sequences)])
    result = model(ids, use_cache=True, logits_to_keep=1)
    start = time.perf_counter()
    for _ in range(N_DECODED):
        token = result.logits[:, -1:].argmax(-1)
        result = model(token, past_key_values=result.past_key_values, use_cache=True)
    return time.perf_counter() - start


def measure_model():
    folder = MODELS / "SmolLM2-135M-Instruct"
    (path,) = folder.glob("*.gguf")
    start = time.perf_counter()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=path.name, dtype=torch.float32
    ).eval()
    report("load", "s", time.perf_counter() - start)
    prompts = [case["prompt_ids"] for case in cases("greedy.json")]
    prompts = [ids[:N_PROMPT] for ids in prompts if len(ids) >= N_PROMPT]
    first = torch.tensor([prompts[0]])
    prefill(model, first)
    report("prefill", "tokens/s", N_PROMPT / best(lambda: prefill(model, first)))
    for n_sequences in [1, 4, 8]:
        seconds = best(lambda: decode(model, prompts, n_sequences))
        report(f"decode {n_sequences}", "tokens/s", n_sequences * N_DECODED / seconds)


def encode(model, tokenizer, texts):
    start = time.perf_counter()
    for first in range(0, len(texts), BATCH_TEXTS):
        batch = tokenizer.encode_batch(texts[first : first + BATCH_TEXTS])
        ids = torch.tensor([encoding.ids for encoding in batch])
        mask = torch.tensor([encoding.attention_mask for encoding in batch])
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        mean = (hidden * weights).sum(1) / weights.sum(1)
        torch.nn.functional.normalize(mean).tolist()
    return time.perf_counter() - start


def measure_encoder():
    folder = MODELS / "all-MiniLM-L6-v2"
    model = transformers.BertModel.from_pretrained(
        folder, dtype=torch.float32, add_pooling_layer=False
    ).eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_EMBEDDED)
    tokenizer.enable_padding()
    longest = max((case["text"] for case in cases("embeddings.json")), key=len).split()
    texts = [
        " ".join(longest[(start + idx) % len(longest)] for idx in range(N_WORDS))
        for start in range(N_TEXTS)
    ]
    encode(model, tokenizer, texts[:2])
    report("encoder", "texts/s", N_TEXTS / best(lambda: encode(model, tokenizer, texts)))


def main():
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    with torch.inference_mode():
        measure_model()
        measure_encoder()


if __name__ == "__main__":
    main()
