"""The layers of the course: PyTorch modules, named and called as in ``torch.nn``."""

from course_lib.layers.activations import (
    ELU,
    GELU,
    SELU,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from course_lib.layers.additive_attention import AdditiveAttention
from course_lib.layers.attention import scaled_dot_product_attention
from course_lib.layers.class_losses import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    NLLLoss,
    binary_cross_entropy_with_logits,
    cross_entropy,
    nll_loss,
)
from course_lib.layers.convolution import Conv2d, conv2d
from course_lib.layers.convolution_ways import fold, unfold
from course_lib.layers.dense import Linear
from course_lib.layers.drop_connect import DropConnect
from course_lib.layers.dropout import Dropout, Dropout2d, dropout, dropout2d
from course_lib.layers.embedding import Embedding
from course_lib.layers.graph_attention import GATConv
from course_lib.layers.graph_convolutions import ChebConv, GCNConv
from course_lib.layers.graph_sage import SAGEConv
from course_lib.layers.group_normalization import GroupNorm, InstanceNorm2d, group_norm, instance_norm
from course_lib.layers.initialization import (
    calculate_gain,
    constant_,
    dirac_,
    eye_,
    fan_in_and_fan_out,
    kaiming_normal_,
    kaiming_uniform_,
    lecun_normal_,
    normal_,
    ones_,
    orthogonal_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from course_lib.layers.layer_normalization import LayerNorm, layer_norm
from course_lib.layers.local_response_norm import LocalResponseNorm, local_response_norm
from course_lib.layers.losses import L1Loss, MSELoss, SmoothL1Loss, l1_loss, mse_loss, smooth_l1_loss
from course_lib.layers.lp_pooling import LPPool2d, lp_pool2d
from course_lib.layers.mixed_pooling import MixedPool2d, mixed_pool2d
from course_lib.layers.multi_head_attention import MultiheadAttention
from course_lib.layers.neurons import McCullochPitts, Perceptron
from course_lib.layers.noise import GaussianNoise, MaskingNoise
from course_lib.layers.normalization import BatchNorm1d, BatchNorm2d, batch_norm
from course_lib.layers.pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool2d,
    MaxPool2d,
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
)
from course_lib.layers.positional_encoding import SinusoidalPositionalEncoding
from course_lib.layers.recurrent import GRU, LSTM, RNN
from course_lib.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell
from course_lib.layers.softmax import Softmax
from course_lib.layers.spectral_pooling import SpectralPool2d, spectral_pool2d
from course_lib.layers.stochastic_pooling import StochasticPool2d, stochastic_pool2d
from course_lib.layers.transformer import Transformer, TransformerDecoder, TransformerEncoder
from course_lib.layers.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
from course_lib.layers.transposed_convolution import ConvTranspose2d, conv_transpose2d
from course_lib.layers.unpooling import MaxUnpool2d, max_unpool2d

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AdditiveAttention",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChebConv",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "DropConnect",
    "Dropout",
    "Dropout2d",
    "Embedding",
    "GATConv",
    "GCNConv",
    "GRUCell",
    "GaussianNoise",
    "GroupNorm",
    "Hardtanh",
    "InstanceNorm2d",
    "L1Loss",
    "LPPool2d",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MSELoss",
    "MaskingNoise",
    "MaxPool2d",
    "MaxUnpool2d",
    "McCullochPitts",
    "MixedPool2d",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "Perceptron",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SAGEConv",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositionalEncoding",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpectralPool2d",
    "StochasticPool2d",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "calculate_gain",
    "constant_",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dirac_",
    "dropout",
    "dropout2d",
    "eye_",
    "fan_in_and_fan_out",
    "fold",
    "group_norm",
    "instance_norm",
    "kaiming_normal_",
    "kaiming_uniform_",
    "l1_loss",
    "layer_norm",
    "lecun_normal_",
    "local_response_norm",
    "lp_pool2d",
    "max_pool2d",
    "max_unpool2d",
    "mixed_pool2d",
    "mse_loss",
    "nll_loss",
    "normal_",
    "ones_",
    "orthogonal_",
    "scaled_dot_product_attention",
    "smooth_l1_loss",
    "spectral_pool2d",
    "stochastic_pool2d",
    "trunc_normal_",
    "unfold",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
