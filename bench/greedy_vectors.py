#!/usr/bin/env python3
"""Writes the inference vectors of tests/data/inference/vectors with the usual Python implementation.

    python -m venv venv && venv/bin/pip install torch==2.11.0 transformers gguf tokenizers regex
    venv/bin/python bench/greedy_vectors.py

  greedy.json      prompts, their token ids and the greedy continuation by `transformers` in float32
  tokenizer.json   texts and their token ids
  embeddings.json  texts and their sentence embeddings by `transformers` in float32

A step whose two largest logits are closer than MIN_GAP could go either way by rounding alone. Such a
continuation is cut before that step and carries the gap; a prompt that would keep fewer than
MIN_TOKENS tokens is left out and named in `left_out`.
"""

import argparse
import hashlib
import json
import pathlib
import unicodedata

import gguf
import numpy
import regex
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers

MAX_TOKENS = 48
MIN_TOKENS = 8
MIN_GAP = 1e-3
MAX_EMBEDDED = 256

LIGHTHOUSE = (
    "The lighthouse on the northern cape was built in 1874 from grey granite that came by sea from a "
    "quarry forty miles away. Its lamp first burned rapeseed oil, then paraffin, and from 1932 "
    "electricity made by two diesel engines in a shed behind the tower. Three keepers lived there with "
    "their families in a row of low houses; each kept a watch of four hours, wound the clockwork that "
    "turned the lens, and wrote the weather into a ledger. In the winter of 1911 a storm broke the "
    "seaward windows and flooded the oil store, and for nine nights the keepers turned the lens by hand. "
    "The last family left in 1986, when the light became automatic. A local society now owns the houses. "
    "It lets two of them to visitors and keeps the third as a small museum, where the ledgers, the old "
    "lens and a model of the clockwork can be seen between April and October. The light itself still "
    "shows two white flashes every fifteen seconds, visible for eighteen nautical miles in clear weather, "
    "and it remains in the care of the coastal service, whose engineers visit twice a year to clean the "
    "panels and test the batteries. Fishermen say that they trust it more than any instrument on board."
)
BEES = (
    "Honey bees tell each other where flowers are by dancing on the comb. A forager that has found a rich "
    "patch runs a short straight line while shaking her body, circles back, and runs the line again. The "
    "angle of the line to the vertical is the angle between the flowers and the sun; the time she shakes "
    "tells the distance. Other bees follow her in the dark with their antennae and then fly out alone. The "
    "sun moves while a dance goes on, and long dancers slowly turn their line to keep it right. When the "
    "source is close, within about fifty metres, the line shrinks to nothing and the dance becomes round. "
    "Swarms use the same language for another purpose. Scouts that have looked at hollow trees dance for "
    "the best of them, and those who find a better one dance longer. Over a day or two the weaker dances "
    "die out. When enough scouts meet at one tree the swarm warms its muscles and flies there together. "
    "No bee compares all the trees, yet the swarm takes the best of them nine times out of ten, which is "
    "better than many committees can say of their own decisions in much quieter circumstances."
)
CANAL = (
    "Work on the canal began in the spring of 1791 and was meant to take four years; it took eleven. The "
    "engineer, a former millwright, had planned a line that followed the hillside at one height for thirty "
    "miles, so that only nine locks were needed. But the clay slipped wherever a cutting was deeper than "
    "six metres, and at the summit a tunnel of 1,200 metres met running sand. Two contractors failed. The "
    "company raised money three times, and the last shares sold at a quarter of their price. When boats "
    "could pass at last in 1802 the tolls paid the debt within nine years: coal went down to the port, "
    "grain and timber came up, and a horse could draw thirty tonnes where a cart had carried one. Around "
    "the basin a town of eight thousand people grew where there had been two farms. The railway came in "
    "1848 and took the passengers at once and the coal more slowly. The last working boat carried gravel "
    "in 1957. Volunteers cleared the locks from 1974 on, and since 1999 the whole line is open again, for "
    "pleasure boats, anglers, and the herons that stand at every bend."
)

SYSTEM = "You answer in one short sentence."
CONVERSATIONS = {
    "question-capital": ["What is the capital of France?"],
    "question-why-blue": ["Why is the sky blue? Explain it to a child."],
    "question-list": ["List five fruits that grow on trees."],
    "question-system": [("system", SYSTEM), "What is photosynthesis?"],
    "question-history": ["Who invented the printing press, and when?"],
    "question-water": ["How does a water wheel work?"],
    "summary-lighthouse": [f"Summarize this text in two sentences.\n\n{LIGHTHOUSE}"],
    "summary-bees": [f"Summarize the following text.\n\n{BEES}"],
    "summary-canal": [f"What are the three most important points of this text?\n\n{CANAL}"],
    "reading-lighthouse": [f"{LIGHTHOUSE}\n\nQuestion: When did the last family leave?"],
    "reading-bees": [f"Context: {BEES}\n\nWhat tells a bee how far the flowers are?"],
    "reading-canal": [("system", SYSTEM), f"{CANAL}\n\nWhy did the work take so long?"],
    "unicode-german": ["Übersetze ins Englische: „Die Straße ist naß und grün.“"],
    "unicode-chinese": ["请用一句话介绍长城。"],
    "unicode-japanese": ["「ありがとう」は英語で何と言いますか?"],
    "unicode-emoji": ["What feeling does this show: 😀🎉👩‍👩‍👧? Answer with one word."],
    "unicode-greek": ["What does the Greek letter π mean in mathematics?"],
    "unicode-arabic": ["ترجم إلى الإنجليزية: صباح الخير"],
    "code-python": ["Write a Python function that reverses a string."],
    "code-rust": ["What does `let x: Option<u32> = None;` mean in Rust?"],
    "code-bug": ["Find the mistake:\n```python\nfor i in range(10)\n    print(i)\n```"],
    "code-sql": ["Write an SQL query that counts the rows of the table `orders`."],
    "math-sum": ["What is 17 + 25?"],
    "math-word": ["Anna has 12 apples and gives away a third of them. How many are left?"],
    "math-equation": ["Solve 3x - 7 = 11 for x, step by step."],
    "math-percent": ["A coat costs 80.00 and is reduced by 15%. What is the new price?"],
    "turns-follow-up": [
        "Name a large river in Africa.",
        ("assistant", "The Nile is a large river in Africa."),
        "How long is it?",
    ],
    "turns-story": [
        ("system", "You are a patient story teller."),
        "Tell me how a story could begin.",
        ("assistant", "Once there was a miller who had never seen the sea."),
        "And then?",
    ],
    "turns-correction": [
        "2 + 2 = 5, right?",
        ("assistant", "No, 2 + 2 = 4."),
        "Are you sure?",
        ("assistant", "Yes, I am sure."),
        "Thank you. And 3 + 3?",
    ],
    "spaces-lines": ["  Write\r\n\r\na   haiku\tabout rain.  \n"],
    "long-digits": ["Repeat this number: 31415926535897932384626433832795"],
    "letter": ["Write a short and polite letter to a landlord about a broken heater."],
}

TEXTS = {
    "empty": "",
    "plain": "The quick brown fox jumps over the lazy dog.",
    "capitals": "HELLO Hello hello hElLo",
    "contractions": "I'm sure they'll say it's what we've done, don't you'd think?",
    "spaces": "a  b   c    d\t\te \t f   ",
    "leading-space": "   leading and trailing   ",
    "only-spaces": "      ",
    "newlines": "one\n\ntwo\n\n\nthree\n",
    "crlf": "one\r\ntwo\r\n\r\nthree\r\n",
    "digits": "2023 1234567890 3.14159 1,000,000 007 42nd a1b2c3",
    "space-then-digits": "in 1999  and   2001    or\n2010",
    "other-digits": "٣٤٥ १२३ Ⅷ ½ ² ³ ㊿ 五",
    "emoji": "😀 🎉🎉 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️",
    "chinese": "你好,世界。今天天气很好。",
    "japanese": "ひらがなとカタカナと漢字",
    "korean": "안녕하세요 세계",
    "arabic": "السلام عليكم ورحمة الله",
    "hebrew": "שלום עולם",
    "thai": "สวัสดีชาวโลก",
    "combining": "e\u0301 n\u0303 Z\u0351\u036b",
    "accents": "naïve café Übergröße ñandú Dvořák",
    "symbols": "€ £ ¥ © ® ™ ∑ ∫ √ ≠ ≤ → ⇒ ★ ♫",
    "zero-width": "a\u200bb\u200dc\ufeffd\u00a0e\u2028f",
    "control-bytes": "nul\x00bell\x07esc\x1b[0m",
    "missing-bytes": "a\x04b\x06\x13c \x1d d",
    "code": "fn main() {\n    let x: Vec<u8> = vec![1, 2, 3];\n\tprintln!(\"{x:?}\");\n}\n",
    "markdown": "# Title\n\n- **bold** and _italic_\n- `code`\n\n| a | b |\n|---|---|\n",
    "url": "https://example.org/path?query=1&other=two#part",
    "json": '{"key": [1, 2.5, null, true], "text": "a\\nb"}',
    "latex": "\\frac{a}{b} = \\sum_{i=1}^{n} x_i^2",
    "repeated": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!!!!!!!!!!!!!!!!!!!!????",
    "punctuation": "...!?;:--—–…\"quotes\" 'single' (brackets) [x] {y} <z>",
    "turn-end": "stop here<|im_end|>\n<|im_start|>system\nnew orders<|im_end|>",
    "text-end": "<|endoftext|><|endoftext|> twice",
    "nearly-special": "<|im_end| > <|im_start <|im_en d|> |im_end|> <|unknown|>",
    "repository": "<repo_name>a/b<file_sep>c.py\n<jupyter_start>",
    "mixed": "Zürich 8001 – 12:30 Uhr, 東京タワー 333m 🗼, prix: 5,50 €\r\n",
    "paragraph": LIGHTHOUSE,
}

EMBEDDED = {
    "empty": "",
    "word": "hello",
    "sentence": "The cat sits on the mat.",
    "paraphrase": "A cat is sitting on a mat.",
    "other": "Interest rates rose by a quarter of a percent in March.",
    "question": "How far away can the light be seen?",
    "capitals-accents": "ÜBER Café NAÏVE Ångström",
    "chinese": "你好,世界。今天天气很好。",
    "emoji": "great 😀🎉 party",
    "code": "for i in range(10): print(i)",
    "paragraph": LIGHTHOUSE,
    "cut": " ".join([LIGHTHOUSE, BEES, CANAL]),
}


def messages_of(turns):
    """A conversation as messages; a plain text is a user's turn."""
    pairs = [turn if isinstance(turn, tuple) else ("user", turn) for turn in turns]
    return [{"role": role, "content": content} for role, content in pairs]


class Model:
    """The model in float32, its tokenizer as published for `smollm`, and the file it came from."""

    def __init__(self, folder):
        (self.path,) = folder.glob("*.gguf")
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=self.path.name, dtype=torch.float32
        ).eval()
        reader = gguf.GGUFReader(self.path)
        self.check_weights(reader)
        self.tokens = self.field(reader, "tokenizer.ggml.tokens")
        types = self.field(reader, "tokenizer.ggml.token_type")
        self.merges = [tuple(merge.split(" ")) for merge in self.field(reader, "tokenizer.ggml.merges")]
        self.control = [text for text, kind in zip(self.tokens, types) if kind == 3]
        self.template = self.field(reader, "tokenizer.chat_template")
        self.eos = self.field(reader, "tokenizer.ggml.eos_token_id")
        self.vocabulary = {text: idx for idx, text in enumerate(self.tokens)}
        self.plain = self.tokenizer()
        self.special = self.tokenizer()
        self.special.add_special_tokens(self.control)

    @staticmethod
    def field(reader, key):
        return reader.fields[key].contents()

    def check_weights(self, reader):
        """Makes sure that the model computes with the dequantised numbers of the file."""
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        for layer, name in [(0, "ffn_down"), (29, "attn_v"), (7, "attn_output")]:
            tensor = tensors[f"blk.{layer}.{name}.weight"]
            wanted = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            block = self.model.model.layers[layer]
            module = {
                "ffn_down": block.mlp.down_proj,
                "attn_v": block.self_attn.v_proj,
                "attn_output": block.self_attn.o_proj,
            }[name]
            assert module.weight.dtype == torch.float32
            assert numpy.array_equal(module.weight.detach().numpy(), wanted), tensor.name

    def tokenizer(self):
        bpe = models.BPE(vocab=self.vocabulary, merges=self.merges)
        tokenizer = tokenizers.Tokenizer(bpe)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer

    def prompt(self, messages):
        """The prompt's text by the file's template, as `transformers` renders it."""
        helper = transformers.PreTrainedTokenizerFast(tokenizer_object=self.special)
        return helper.apply_chat_template(
            messages, chat_template=self.template, tokenize=False, add_generation_prompt=True
        )

    @torch.no_grad()
    def greedy(self, prompt):
        """The greedy continuation, the smallest gap on its way, and the gap it was cut at."""
        ids, cache, output, smallest = torch.tensor([prompt]), None, [], float("inf")
        while len(output) < MAX_TOKENS:
            result = self.model(ids, past_key_values=cache, use_cache=True)
            cache = result.past_key_values
            (first, second), (token, _) = result.logits[0, -1].topk(2)
            gap = float(first - second)
            if gap < MIN_GAP:
                return output, smallest, gap
            smallest = min(smallest, gap)
            output.append(int(token))
            if int(token) == self.eos:
                break
            ids = torch.tensor([[int(token)]])
        return output, smallest, None


class SlowBpe:
    """Byte-level BPE written out plainly, to check the fast one."""

    PATTERN = regex.compile(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    )

    def __init__(self, model):
        self.vocabulary = model.vocabulary
        self.ranks = {pair: rank for rank, pair in enumerate(model.merges)}
        plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        moved = [byte for byte in range(256) if byte not in plain]
        self.letters = {byte: chr(byte) for byte in plain}
        self.letters |= {byte: chr(0x100 + idx) for idx, byte in enumerate(moved)}

    def encode(self, text):
        pieces = []
        for part in self.digits(text):
            pieces += self.PATTERN.findall(part)
        tokens = [token for piece in pieces for token in self.merge(piece)]
        return [self.vocabulary[token] for token in tokens if token in self.vocabulary]

    @staticmethod
    def digits(text):
        part = ""
        for letter in text:
            if unicodedata.category(letter).startswith("N"):
                yield from [part, letter]
                part = ""
            else:
                part += letter
        yield part

    def merge(self, piece):
        parts = [self.letters[byte] for byte in piece.encode()]
        while True:
            pairs = [(self.ranks[pair], idx) for idx, pair in enumerate(zip(parts, parts[1:])) if pair in self.ranks]
            if not pairs:
                return parts
            _, idx = min(pairs)
            parts[idx : idx + 2] = [parts[idx] + parts[idx + 1]]


def greedy_vectors(model):
    cases, left_out = [], []
    for name, turns in CONVERSATIONS.items():
        messages = messages_of(turns)
        prompt = model.special.encode(model.prompt(messages)).ids
        output, smallest, cut_at = model.greedy(prompt)
        print(f"{name}: {len(prompt)} + {len(output)} tokens, smallest gap {smallest:.4f}", "" if cut_at is None else f"cut at {cut_at:.6f}")
        if len(output) < MIN_TOKENS and cut_at is not None:
            left_out.append({"name": name, "gap": cut_at})
            continue
        cases.append(
            {
                "name": name,
                "messages": messages,
                "prompt_ids": prompt,
                "output_ids": output,
                "output_text": model.special.decode(output),
                "smallest_gap": smallest,
                "cut_at_gap": cut_at,
            }
        )
    assert len(cases) >= 24, "too few prompts are left"
    return {
        "model": model.path.name,
        "sha256": hashlib.sha256(model.path.read_bytes()).hexdigest(),
        "made_with": {"transformers": transformers.__version__, "torch": torch.__version__, "dtype": "float32"},
        "max_tokens": MAX_TOKENS,
        "min_gap": MIN_GAP,
        "left_out": left_out,
        "cases": cases,
    }


def tokenizer_vectors(model):
    slow = SlowBpe(model)
    cases = []
    for name, text in TEXTS.items():
        ids = model.plain.encode(text).ids
        assert ids == slow.encode(text), f"two ways to encode {name} disagree"
        with_control = model.special.encode(text).ids
        decoded = model.plain.decode(ids)
        cases.append({"name": name, "text": text, "ids": ids, "ids_with_control": with_control, "decoded": decoded})
    return {"made_with": {"tokenizers": tokenizers.__version__}, "cases": cases}


@torch.no_grad()
def embedding_vectors(folder):
    model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_EMBEDDED)
    cases = []
    for name, text in EMBEDDED.items():
        ids = tokenizer.encode(text).ids
        hidden = model(torch.tensor([ids])).last_hidden_state[0]
        embedding = torch.nn.functional.normalize(hidden.mean(0), dim=0)
        numbers = [float(numpy.float32(number)) for number in embedding]
        cases.append({"name": name, "text": text, "n_tokens": len(ids), "embedding": numbers})
    return {
        "made_with": {"transformers": transformers.__version__, "torch": torch.__version__, "dtype": "float32"},
        "max_tokens": MAX_EMBEDDED,
        "cases": cases,
    }


def write(path, vectors):
    head = {key: value for key, value in vectors.items() if key != "cases"}
    cases = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in vectors["cases"])
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    path.write_text(f'{opening}, "cases": [\n  {cases}\n]}}\n', encoding="utf-8")
    print(f"wrote {path}: {len(vectors['cases'])} cases")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=root / "models")
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/data/inference/vectors")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "embeddings.json", embedding_vectors(options.models / "all-MiniLM-L6-v2"))
    model = Model(options.models / "SmolLM2-135M-Instruct")
    write(options.out / "tokenizer.json", tokenizer_vectors(model))
    write(options.out / "greedy.json", greedy_vectors(model))


if __name__ == "__main__":
    main()
