"""The networks of the course."""

from course_lib.models.alexnet import alexnet, alexnet_2012
from course_lib.models.autoencoder import Autoencoder, autoencoder
from course_lib.models.auxiliary import loss_with_auxiliary_heads
from course_lib.models.cifar_resnet import CifarResNet, cifar_resnet
from course_lib.models.conv_autoencoder import ConvAutoencoder, conv_autoencoder
from course_lib.models.deconvnet import DeconvNet, deconvnet
from course_lib.models.denoising_autoencoder import DenoisingAutoencoder, denoising_autoencoder
from course_lib.models.densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from course_lib.models.feature_extractor import feature_extractor
from course_lib.models.googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.inception_v3 import Inception3, InceptionOutputs, inception_v3
from course_lib.models.inception_v4 import InceptionV4, inception_v4
from course_lib.models.lenet import lenet5
from course_lib.models.mlp import mlp
from course_lib.models.mobilenet_v1 import MobileNetV1, mobilenet_v1
from course_lib.models.mobilenet_v2 import MobileNetV2, mobilenet_v2
from course_lib.models.nin import mlpconv, nin
from course_lib.models.penalized_autoencoders import (
    ContractiveAutoencoder,
    PenalizedOutputs,
    SparseAutoencoder,
    contraction,
    contractive_autoencoder,
    kl_sparsity,
    loss_with_penalty,
    sparse_autoencoder,
)
from course_lib.models.preprocessing import Preprocessing
from course_lib.models.pretrained import (
    PretrainedSheet,
    load_pretrained,
    pretrained_names,
    pretrained_sheet,
)
from course_lib.models.receptive_field import receptive_field
from course_lib.models.residual_blocks import BasicBlock, Bottleneck, PlainBlock
from course_lib.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from course_lib.models.simple_cnn import simple_cnn
from course_lib.models.stacked_autoencoder import StackedAutoencoder, stacked_autoencoder
from course_lib.models.summary import Summary, summary
from course_lib.models.unet import UNet, unet
from course_lib.models.vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from course_lib.models.vision_transformer import (
    VisionTransformer,
    vit_b_16,
    vit_b_32,
    vit_h_14,
    vit_l_16,
    vit_l_32,
)
from course_lib.models.zfnet import zfnet

__all__ = [
    "Autoencoder",
    "BasicBlock",
    "Bottleneck",
    "CifarResNet",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "DeconvNet",
    "DenoisingAutoencoder",
    "DenseNet",
    "GoogLeNet",
    "GoogLeNetOutputs",
    "Inception3",
    "InceptionOutputs",
    "InceptionV4",
    "MobileNetV1",
    "MobileNetV2",
    "PenalizedOutputs",
    "PlainBlock",
    "Preprocessing",
    "PretrainedSheet",
    "ResNet",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "Summary",
    "UNet",
    "VisionTransformer",
    "alexnet",
    "alexnet_2012",
    "autoencoder",
    "cifar_resnet",
    "contraction",
    "contractive_autoencoder",
    "conv_autoencoder",
    "deconvnet",
    "denoising_autoencoder",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "feature_extractor",
    "googlenet",
    "inception_v2",
    "inception_v3",
    "inception_v4",
    "kl_sparsity",
    "lenet5",
    "load_pretrained",
    "loss_with_auxiliary_heads",
    "loss_with_penalty",
    "mlp",
    "mlpconv",
    "mobilenet_v1",
    "mobilenet_v2",
    "nin",
    "pretrained_names",
    "pretrained_sheet",
    "receptive_field",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "simple_cnn",
    "sparse_autoencoder",
    "stacked_autoencoder",
    "summary",
    "unet",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "vit_b_16",
    "vit_b_32",
    "vit_h_14",
    "vit_l_16",
    "vit_l_32",
    "zfnet",
]
