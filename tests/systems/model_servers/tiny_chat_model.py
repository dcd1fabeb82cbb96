"""Writes a chat model of random weights and its tokenizer into the folder `tiny`; loads nothing from a hub.

Run by the interpreter of the environment under test: it needs torch, tokenizers and transformers.
"""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = ["the quick brown fox jumps over the lazy dog"] * 50
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}<|assistant|>"

bytes_alone = Tokenizer(models.BPE())
bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_alone.decoder = decoders.ByteLevel()
bytes_alone.train_from_iterator(
    TEXT,
    trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<s>", "</s>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ),
)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=bytes_alone, bos_token="<s>", eos_token="</s>", pad_token="</s>"
)
tokenizer.chat_template = TEMPLATE
torch.manual_seed(0)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )
)  # fmt: skip
model.save_pretrained("tiny")
tokenizer.save_pretrained("tiny")
