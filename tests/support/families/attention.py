"""Attention, positional encoding, transformers."""

import math

import numpy as np
import torch

from course_lib import layers

X = torch.zeros(2, 5, 8)
HEADS = torch.zeros(2, 4, 5, 8)
QUERY, KEY = torch.zeros(2, 3, 4), torch.zeros(2, 5, 6)


def attend(q=HEADS, k=HEADS, v=HEADS, mask=None, **options):
    """Run the function on 2 x 4 heads of 5 positions with 8 features."""
    return layers.scaled_dot_product_attention(q, k, v, mask, **options)


def multi_head(q=X, k=X, v=X, **masks):
    """Run 4 heads on 2 sequences of 5 positions with 8 features."""
    return layers.MultiheadAttention(8, 4, batch_first=True)(q, k, v, **masks)


def additive(q=QUERY, k=KEY, *others):
    """Compare 3 queries of size 4 with 5 keys of size 6."""
    return layers.AdditiveAttention(4, 6, 7)(q, k, *others)


def encode(*arguments, x=X, **options):
    """Add positions to X."""
    return layers.SinusoidalPositionalEncoding(*(arguments or (8,)), **options)(x)


def encoder(x=X, **options):
    """Run a layer of the encoder."""
    return layers.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)(x)


def decoder(tgt=X, memory=X, **options):
    """Run a layer of the decoder."""
    return layers.TransformerDecoderLayer(8, 2, 16, batch_first=True)(tgt, memory, **options)


def transformer(src=X, tgt=X, **options):
    """Run a small transformer."""
    return layers.Transformer(8, 2, 1, 1, 16, batch_first=True)(src, tgt, **options)


def booleans(*shape):
    """A mask of False."""
    return torch.zeros(shape, dtype=torch.bool)


BAD_FUNCTION_CALLS = [
    (
        TypeError,
        lambda: attend(q=[1.0]),
        "scaled_dot_product_attention: query must be a torch.Tensor, got list",
    ),
    (TypeError, lambda: attend(k=HEADS.long()), "key must have a floating-point dtype, got torch.int64"),
    (TypeError, lambda: attend(k=HEADS.double()), "key must have the dtype of query, torch.float32"),
    (ValueError, lambda: attend(v=torch.zeros(8)), "value must be (..., length, size), got shape (8,)"),
    (ValueError, lambda: attend(k=torch.zeros(2, 4, 5, 7)), "key must have query's size=8 in dimension -1"),
    (ValueError, lambda: attend(v=torch.zeros(2, 4, 6, 8)), "value must have key's length=5 in dimension -2"),
    (
        ValueError,
        lambda: attend(q=torch.zeros(3, 4, 5, 8)),
        "query, key and value must have leading dimensions that broadcast, got shapes (3, 4, 5, 8), (2, 4,",
    ),
    (ValueError, lambda: attend(dropout_p=1.5), "dropout_p must be from 0 to 1, got 1.5"),
    (ValueError, lambda: attend(dropout_p=-0.1), "dropout_p must be from 0 to 1, got -0.1"),
    (TypeError, lambda: attend(dropout_p="half"), "dropout_p must be a number, got 'half'"),
    (ValueError, lambda: attend(scale=math.inf), "scale must be finite, got inf"),
    (ValueError, lambda: attend(scale=math.nan), "scale must be a number, got nan"),
    (
        ValueError,
        lambda: attend(way="flash"),
        "way must be one of 'native', 'naive', 'blockwise', got 'flash'",
    ),
    (
        ValueError,
        lambda: attend(mask=booleans(5, 5), is_causal=True),
        "attn_mask must be None with is_causal=True, got a mask",
    ),
    (TypeError, lambda: attend(mask=[[True]]), "attn_mask must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: attend(mask=booleans(5, 5).long()),
        "attn_mask must be bool or of query's dtype, torch.float32, got torch.int64",
    ),
    (
        TypeError,
        lambda: attend(mask=torch.zeros(5, 5).double()),
        "attn_mask must be bool or of query's dtype",
    ),
    (
        ValueError,
        lambda: attend(mask=booleans(5, 4)),
        "attn_mask must broadcast to (..., L, S) = (2, 4, 5, 5), got shape (5, 4)",
    ),
    (ValueError, lambda: attend(mask=booleans(5)), "attn_mask must broadcast to (..., L, S)"),
    (ValueError, lambda: attend(mask=booleans(1, 2, 4, 5, 5)), "attn_mask must broadcast to (..., L, S)"),
    (
        ValueError,
        lambda: attend(k=HEADS[:, :3], v=HEADS[:, :3], enable_gqa=True),
        "key must have a number of heads that divides query's 4, got 3",
    ),
    (
        ValueError,
        lambda: attend(X[0], X[0], X[0], enable_gqa=True),
        "key must have query's dimensions before the heads with enable_gqa=True, got shapes (5, 8) and",
    ),
]

BAD_LAYER_CALLS = [
    (
        ValueError,
        lambda: layers.MultiheadAttention(0, 1),
        "MultiheadAttention: embed_dim must be 1 or more, got 0",
    ),
    (ValueError, lambda: layers.MultiheadAttention(8, -2), "num_heads must be 1 or more, got -2"),
    (TypeError, lambda: layers.MultiheadAttention(8.0, 2), "embed_dim must be an integer, got 8.0"),
    (
        ValueError,
        lambda: layers.MultiheadAttention(8, 3),
        "embed_dim must be a multiple of num_heads=3, got 8",
    ),
    (ValueError, lambda: layers.MultiheadAttention(8, 2, 1.2), "dropout must be from 0 to 1, got 1.2"),
    (ValueError, lambda: layers.MultiheadAttention(8, 2, kdim=0), "kdim must be 1 or more, got 0"),
    (ValueError, lambda: layers.MultiheadAttention(8, 2, vdim=-1), "vdim must be 1 or more, got -1"),
    (TypeError, lambda: multi_head(q=None), "query must be a torch.Tensor, got NoneType"),
    (TypeError, lambda: multi_head(k=X.double()), "input must have the dtype of weight, torch.float32"),
    (ValueError, lambda: multi_head(q=X[..., :7]), "query must have shape (n, length, 8), got (2, 5, 7)"),
    (ValueError, lambda: multi_head(k=X[0]), "key must have shape (n, length, 8), got (5, 8)"),
    (ValueError, lambda: multi_head(v=X[:, :4]), "value must have key's length and batch size, got shapes"),
    (
        ValueError,
        lambda: multi_head(k=X[:1], v=X[:1]),
        "key must have query's batch size=2 in dimension 0, got shape (1, 5, 8)",
    ),
    (
        ValueError,
        lambda: multi_head(key_padding_mask=booleans(5, 2)),
        "key_padding_mask must have shape (2, 5), got (5, 2)",
    ),
    (
        TypeError,
        lambda: multi_head(key_padding_mask=[True]),
        "key_padding_mask must be a torch.Tensor, got list",
    ),
    (
        TypeError,
        lambda: multi_head(key_padding_mask=booleans(2, 5).int()),
        "key_padding_mask must be boolean or float, got torch.int32",
    ),
    (
        ValueError,
        lambda: multi_head(attn_mask=booleans(2, 5, 5)),
        "attn_mask must have shape (5, 5) or (8, 5, 5), got (2, 5, 5)",
    ),
    (TypeError, lambda: multi_head(attn_mask=booleans(5, 5).byte()), "attn_mask must be boolean or float"),
    (
        ValueError,
        lambda: multi_head(is_causal=True),
        "attn_mask must be given with is_causal=True (a hint about it), got None",
    ),
    (ValueError, lambda: layers.AdditiveAttention(0, 1, 1), "query_dim must be 1 or more, got 0"),
    (TypeError, lambda: layers.AdditiveAttention(1, "2", 1), "key_dim must be an integer, got '2'"),
    (ValueError, lambda: layers.AdditiveAttention(1, 1, 0), "hidden_dim must be 1 or more, got 0"),
    (ValueError, lambda: additive(torch.zeros(2, 3, 5)), "query must have query_dim=4 in dimension -1"),
    (ValueError, lambda: additive(k=torch.zeros(2, 5, 5)), "key must have key_dim=6 in dimension -1"),
    (
        ValueError,
        lambda: additive(k=torch.zeros(3, 5, 6)),
        "key must have shape (2, length, size), got (3, 5, 6)",
    ),
    (
        ValueError,
        lambda: additive(QUERY, KEY, torch.zeros(2, 4, 6)),
        "value must have key's length=5 in dimension -2",
    ),
    (
        ValueError,
        lambda: additive(QUERY, KEY, None, booleans(2, 3)),
        "key_padding_mask must have shape (2, 5), got (2, 3)",
    ),
    (
        TypeError,
        lambda: additive(QUERY, KEY, None, torch.zeros(2, 5)),
        "key_padding_mask must be boolean, got torch.float32",
    ),
]

BAD_TRANSFORMER_CALLS = [
    (ValueError, lambda: encode(0), "SinusoidalPositionalEncoding: d_model must be 1 or more, got 0"),
    (TypeError, lambda: encode(8.0), "d_model must be an integer, got 8.0"),
    (ValueError, lambda: encode(8, 0), "max_len must be 1 or more, got 0"),
    (ValueError, lambda: encode(8, dropout=2), "dropout must be from 0 to 1, got 2"),
    (ValueError, lambda: encode(8, 4, batch_first=True), "length must be at most max_len=4, got 5"),
    (ValueError, lambda: encode(6), "input must have shape (length, 6) or (length, n, 6), got (2, 5, 8)"),
    (ValueError, lambda: encode(x=X[0, 0]), "input must have shape (length, 8) or (length, n, 8), got (8,)"),
    (TypeError, lambda: encode(x=X.long()), "input must have a floating-point dtype, got torch.int64"),
    (
        ValueError,
        lambda: layers.SinusoidalPositionalEncoding(8).encoding(-1),
        "length must be 0 or more, got -1",
    ),
    (
        ValueError,
        lambda: layers.TransformerEncoderLayer(8, 3),
        "TransformerEncoderLayer: d_model must be a multiple of nhead=3, got 8",
    ),
    (
        ValueError,
        lambda: layers.TransformerDecoderLayer(0, 3),
        "DecoderLayer: d_model must be 1 or more, got 0",
    ),
    (ValueError, lambda: layers.TransformerEncoderLayer(8, 2, 0), "dim_feedforward must be 1 or more, got 0"),
    (ValueError, lambda: encoder(dropout=-1), "dropout must be from 0 to 1, got -1"),
    (
        ValueError,
        lambda: encoder(activation="swish"),
        "activation must be one of 'relu', 'gelu', got 'swish'",
    ),
    (TypeError, lambda: encoder(activation=3), "activation must be 'relu', 'gelu' or a function, got 3"),
    (TypeError, lambda: encoder(3), "TransformerEncoderLayer: src must be a torch.Tensor, got int"),
    (
        ValueError,
        lambda: encoder(X[..., :4]),
        "src must have shape (n, length, 8) or (length, 8), got (2, 5, 4)",
    ),
    (
        ValueError,
        lambda: decoder(memory=X[None]),
        "memory must have shape (n, length, 8) or (length, 8), got",
    ),
    (ValueError, lambda: decoder(tgt=X[:, 0, :3]), "TransformerDecoderLayer: tgt must have shape"),
    (ValueError, lambda: decoder(memory=X[:1]), "key must have query's batch size=2 in dimension 0"),
    (
        ValueError,
        lambda: layers.TransformerEncoder(layers.TransformerEncoderLayer(8, 2), 0),
        "TransformerEncoder: num_layers must be 1 or more, got 0",
    ),
    (
        TypeError,
        lambda: layers.TransformerDecoder(lambda x: x, 2),
        "TransformerDecoder: decoder_layer must be a module, got function",
    ),
    (ValueError, lambda: layers.Transformer(0), "Transformer: d_model must be 1 or more, got 0"),
    (ValueError, lambda: transformer(tgt=X[0]), "tgt must have shape (n, length, d_model=8), got (5, 8)"),
    (
        ValueError,
        lambda: transformer(src=X[..., :3]),
        "src must have shape (n, length, d_model=8), got (2, 5, 3)",
    ),
    (
        ValueError,
        lambda: transformer(tgt=X[:1]),
        "Transformer: tgt must have src's batch size=2 in dimension 0",
    ),
    (
        ValueError,
        lambda: layers.Transformer.generate_square_subsequent_mask(-1),
        "Transformer: sz must be 0 or more, got -1",
    ),
]

BAD_CALLS = BAD_FUNCTION_CALLS + BAD_LAYER_CALLS + BAD_TRANSFORMER_CALLS


def to_torch(array):
    """A tensor of the same numbers; bfloat16, which NumPy lacks, by way of float32."""
    if array.dtype.name == "bfloat16":
        return torch.tensor(array.astype(np.float32)).bfloat16()
    return torch.tensor(array)


def allowed_keys(attributes, inputs, n_queries, n_keys):
    """Who may look at whom by causality, windows and padding, ([batch, 1,] L, S); None for everybody."""
    filled = to_torch(inputs["nonpad_kv_seqlen"]).view(-1, 1, 1, 1) if "nonpad_kv_seqlen" in inputs else None
    first = 0 if filled is None else filled - n_queries  # the first query's position
    if "past_key" in inputs:
        first = inputs["past_key"].shape[2]
    ahead = torch.arange(n_keys) - torch.arange(n_queries).unsqueeze(1) - first  # of the query's own position
    rules = [
        (attributes.get("is_causal", 0) == 1, ahead <= 0),
        (attributes.get("left_window_size", -1) >= 0, -ahead <= attributes.get("left_window_size", -1)),
        (attributes.get("right_window_size", -1) >= 0, ahead <= attributes.get("right_window_size", -1)),
        (filled is not None, torch.arange(n_keys) < (n_keys if filled is None else filled)),
    ]
    asked = [rule for asks, rule in rules if asks]
    return None if not asked else torch.stack(torch.broadcast_tensors(*asked)).all(dim=0)


def run_attention(attributes, inputs):
    """Run ONNX's Attention: caches and windows go into keys, values and mask, and the rest is ours."""
    q, k, v = (to_torch(inputs[name]) for name in "QKV")
    flat = q.ndim == 3
    if flat:
        of_keys = attributes["kv_num_heads"]
        counts = (attributes["q_num_heads"], of_keys, of_keys)
        q, k, v = (x.unflatten(-1, (n, -1)).transpose(1, 2) for x, n in zip((q, k, v), counts, strict=True))
    cached = "past_key" in inputs
    if cached:
        k, v = (
            torch.cat([to_torch(inputs[name]), x], dim=2) for name, x in (("past_key", k), ("past_value", v))
        )
    mask = to_torch(inputs["attn_mask"]) if "attn_mask" in inputs else None
    if mask is not None:
        mask = mask if mask.ndim > 1 else mask.unsqueeze(0)
        beyond = False if mask.dtype == torch.bool else -math.inf
        mask = torch.nn.functional.pad(mask, (0, k.shape[2] - mask.shape[-1]), value=beyond)
    plain = mask is None and not {"past_key", "nonpad_kv_seqlen"} & inputs.keys()
    is_causal = plain and attributes.get("is_causal", 0) == 1 and "left_window_size" not in attributes
    allowed = None if is_causal else allowed_keys(attributes, inputs, q.shape[2], k.shape[2])
    if mask is None:
        mask = allowed
    elif allowed is not None:
        mask = mask & allowed if mask.dtype == torch.bool else mask.masked_fill(~allowed, -math.inf)
    y = layers.scaled_dot_product_attention(
        *(q, k, v, mask, 0.0, is_causal), scale=attributes.get("scale"), enable_gqa=q.shape[1] != k.shape[1]
    )
    outputs = [y.transpose(1, 2).flatten(2) if flat else y, *((k, v) if cached else ())]
    return [x.float().numpy() for x in outputs]


ONNX = {"Attention": run_attention}

SOFTCAP = "softcap bends the scores by a tanh before the softmax, and torch's function has no such option"
SCORES = "asks for the scores or weights too, which torch's function keeps to itself"
ROUNDING = "is rounded to half precision after every step, ours once: they differ in the last bit"
NOT_OURS = {
    f"test_attention_{name}": why
    for why, names in {
        SOFTCAP: [
            *("4d_softcap", "4d_gqa_softcap", "4d_diff_heads_sizes_softcap", "4d_softcap_neginf_mask"),
            *("3d_softcap", "3d_gqa_softcap", "3d_diff_heads_sizes_softcap", "4d_softcap_neginf_mask_poison"),
            *("4d_with_qk_matmul_softcap", "3d_with_past_and_present_qk_matmul_softcap"),
            "local_window_gqa_rank4_mask",
        ],
        SCORES: [
            *("4d_with_qk_matmul", "4d_with_qk_matmul_bias", "4d_with_qk_matmul_softmax"),
            *("4d_with_past_and_present_qk_matmul", "4d_with_past_and_present_qk_matmul_bias"),
            "4d_with_past_and_present_qk_matmul_bias_3d_mask",
            "4d_with_past_and_present_qk_matmul_bias_4d_mask",
            "4d_with_past_and_present_qk_matmul_bias_3d_mask_causal",
            "4d_with_past_and_present_qk_matmul_bias_4d_mask_causal",
            *("3d_with_past_and_present_qk_matmul", "3d_with_past_and_present_qk_matmul_bias"),
            "3d_with_past_and_present_qk_matmul_softmax",
            *("23_fullymasked_qk_matmul_output_mode3_zero", "24_fullymasked_qk_matmul_output_mode3_zero"),
            "24_qk_matmul_output_mode3_softmax_precision",
        ],
        ROUNDING: [
            *("4d_fp16", "4d_gqa_with_past_and_present_fp16", "4d_causal_bf16", "4d_causal_fp16"),
            *("4d_padded_kv_bf16", "4d_causal_padded_kv_bf16", "4d_attn_mask_causal_bf16", "3d_causal_bf16"),
            "4d_gqa_causal_nonpad_decode_fp16",
        ],
    }.items()
    for name in names
}


def draw(*shapes):
    """A function of a generator that draws tensors of these shapes."""
    return lambda generator: [torch.randn(shape, generator=generator) for shape in shapes]


def by_way(way, **options):
    """Make the function for one way."""
    return lambda: lambda *inputs: layers.scaled_dot_product_attention(*inputs, **options, way=way)


def masked(make, mask):
    """Make a module that is always called with a mask, moved to where it is called."""

    class Masked(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = make()

        def forward(self, *inputs):
            return self.layer(*inputs, **{key: value.to(inputs[0].device) for key, value in mask.items()})

    return Masked


QKV = draw((2, 2, 9, 8), (2, 2, 7, 8), (2, 2, 7, 8))
PADDING = torch.arange(7).expand(3, 7) > 4
CAUSAL = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1)
ON_DEVICES = {
    **{
        f"scaled_dot_product_attention, {way}": (by_way(way), QKV) for way in ("native", "naive", "blockwise")
    },
    "scaled_dot_product_attention, causal": (by_way("native", is_causal=True), QKV),
    "scaled_dot_product_attention, blockwise and causal": (
        by_way("blockwise", is_causal=True),
        draw((1, 600, 8), (1, 600, 8), (1, 600, 4)),
    ),
    "scaled_dot_product_attention, learned mask": (
        by_way("native"),
        draw((2, 2, 9, 8), (2, 2, 7, 8), (2, 2, 7, 8), (9, 7)),
    ),
    "MultiheadAttention": (
        masked(lambda: layers.MultiheadAttention(8, 2), {"key_padding_mask": PADDING, "attn_mask": CAUSAL}),
        draw((7, 3, 8), (7, 3, 8), (7, 3, 8)),
    ),
    "MultiheadAttention without weights": (
        masked(
            lambda: layers.MultiheadAttention(8, 2, add_bias_kv=True, batch_first=True, kdim=5),
            {"key_padding_mask": PADDING, "need_weights": torch.tensor(False)},
        ),
        draw((3, 7, 8), (3, 7, 5), (3, 7, 8)),
    ),
    "AdditiveAttention": (
        masked(lambda: layers.AdditiveAttention(4, 5, 6), {"key_padding_mask": PADDING}),
        draw((3, 2, 4), (3, 7, 5)),
    ),
    "SinusoidalPositionalEncoding": (lambda: layers.SinusoidalPositionalEncoding(8), draw((50, 2, 8))),
    "TransformerEncoderLayer": (
        masked(
            lambda: layers.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True),
            {"src_key_padding_mask": PADDING},
        ),
        draw((3, 7, 8)),
    ),
    "TransformerDecoderLayer": (
        masked(
            lambda: layers.TransformerDecoderLayer(8, 2, 16, 0.0, "gelu", norm_first=True),
            {"tgt_mask": CAUSAL, "memory_key_padding_mask": PADDING},
        ),
        draw((7, 3, 8), (7, 3, 8)),
    ),
    "Transformer": (
        masked(lambda: layers.Transformer(8, 2, 2, 2, 16, 0.0), {"tgt_mask": CAUSAL}),
        draw((9, 3, 8), (7, 3, 8)),
    ),
}
