"""The networks of the course."""

from course_lib.models.alexnet import alexnet, alexnet_2012
from course_lib.models.autoencoder import Autoencoder, autoencoder
from course_lib.models.auxiliary import loss_with_auxiliary_heads
from course_lib.models.bert import Bert, bert
from course_lib.models.bert_config import BERT_CONFIGS, BertConfig
from course_lib.models.bert_heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    PretrainingLogits,
    Spans,
)
from course_lib.models.character_cnn import CharacterCNN, Highway, word_bytes
from course_lib.models.cifar_resnet import CifarResNet, cifar_resnet
from course_lib.models.conv_autoencoder import ConvAutoencoder, conv_autoencoder
from course_lib.models.conv_vae import conv_vae
from course_lib.models.dcgan import DCGAN, dcgan
from course_lib.models.ddpm import DDPM, ddpm
from course_lib.models.decoding import Beams, beam_search, greedy_decode
from course_lib.models.deconvnet import DeconvNet, deconvnet
from course_lib.models.denoising_autoencoder import DenoisingAutoencoder, denoising_autoencoder
from course_lib.models.dense_denoiser import DenseDenoiser, dense_denoiser
from course_lib.models.densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from course_lib.models.detector_backbone import DetectorBackbone
from course_lib.models.diffusion_loss import ddpm_loss
from course_lib.models.diffusion_samplers import ddim_sample, ddim_step, ddim_times, ddpm_sample, ddpm_step
from course_lib.models.elmo import ELMo, ElmoOutputs, ScalarMix, loss_of_elmo
from course_lib.models.fast_rcnn import FastRCNN, fast_rcnn
from course_lib.models.faster_rcnn import FasterRCNN, faster_rcnn, mask_rcnn
from course_lib.models.feature_extractor import feature_extractor
from course_lib.models.gan import GAN, gan
from course_lib.models.gan_losses import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    optimal_discriminator,
)
from course_lib.models.gaussian_codes import kl_to_standard_normal, reparameterize
from course_lib.models.generate import generate
from course_lib.models.generators import generator_draw, generator_record, generator_samples, load_generator
from course_lib.models.googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from course_lib.models.gpt1 import GPT1, gpt1
from course_lib.models.gpt2 import GPT2, gpt2
from course_lib.models.gpt_config import GPT_CONFIGS, GPT1Config, GPT2Config, GPTConfig
from course_lib.models.guidance import Guided, guided
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.inception_v3 import Inception3, InceptionOutputs, inception_v3
from course_lib.models.inception_v4 import InceptionV4, inception_v4
from course_lib.models.lenet import lenet5
from course_lib.models.mask_tokens import MaskedTokens, mask_tokens
from course_lib.models.mlp import mlp
from course_lib.models.mobilenet_v1 import MobileNetV1, mobilenet_v1
from course_lib.models.mobilenet_v2 import MobileNetV2, mobilenet_v2
from course_lib.models.ngram import AddKNGram, KneserNeyNGram, NGram
from course_lib.models.nin import mlpconv, nin
from course_lib.models.noise_schedule import NoiseSchedule
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
from course_lib.models.pixel_likelihoods import BernoulliPixels, GaussianPixels, PixelLikelihood
from course_lib.models.preprocessing import Preprocessing
from course_lib.models.pretrained import PretrainedSheet, load_pretrained, pretrained_names, pretrained_sheet
from course_lib.models.published_transformers import load_published
from course_lib.models.rcnn import RCNN, rcnn
from course_lib.models.receptive_field import receptive_field
from course_lib.models.region_heads import RegionHeads
from course_lib.models.residual_blocks import BasicBlock, Bottleneck, PlainBlock
from course_lib.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from course_lib.models.sample_tokens import sample_tokens, top_k_filter, top_p_filter
from course_lib.models.scalar_head import ScalarHead, scalar_head
from course_lib.models.seq2seq import Seq2Seq, seq2seq, shift_right
from course_lib.models.seq2seq_transformer import Seq2SeqTransformer, transformer
from course_lib.models.simple_cnn import simple_cnn
from course_lib.models.spectral_norm import spectral_norm
from course_lib.models.stacked_autoencoder import StackedAutoencoder, stacked_autoencoder
from course_lib.models.summary import Summary, summary
from course_lib.models.tiny_yolo import TinyYOLO, grid_target, tiny_yolo
from course_lib.models.token_losses import causal_lm_loss, token_loss
from course_lib.models.trained_detectors import detector_record, load_detector
from course_lib.models.unet import UNet, unet
from course_lib.models.vae import VAE, VAEOutputs, vae
from course_lib.models.vae_bounds import importance_bound, negative_elbo
from course_lib.models.vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from course_lib.models.vision_transformer import (
    VisionTransformer,
    vit_b_16,
    vit_b_32,
    vit_h_14,
    vit_l_16,
    vit_l_32,
)
from course_lib.models.vqa import VQA, FiLM, vqa
from course_lib.models.zfnet import zfnet

__all__ = [
    "BERT_CONFIGS",
    "DCGAN",
    "DDPM",
    "GAN",
    "GPT1",
    "GPT2",
    "GPT_CONFIGS",
    "RCNN",
    "VAE",
    "VQA",
    "AddKNGram",
    "Autoencoder",
    "BasicBlock",
    "Beams",
    "BernoulliPixels",
    "Bert",
    "BertConfig",
    "BertForMaskedLM",
    "BertForNextSentencePrediction",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "Bottleneck",
    "CharacterCNN",
    "CifarResNet",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "DeconvNet",
    "DenoisingAutoencoder",
    "DenseDenoiser",
    "DenseNet",
    "DetectorBackbone",
    "ELMo",
    "ElmoOutputs",
    "FastRCNN",
    "FasterRCNN",
    "FiLM",
    "GPT1Config",
    "GPT2Config",
    "GPTConfig",
    "GaussianPixels",
    "GoogLeNet",
    "GoogLeNetOutputs",
    "Guided",
    "Highway",
    "Inception3",
    "InceptionOutputs",
    "InceptionV4",
    "KneserNeyNGram",
    "MaskedTokens",
    "MobileNetV1",
    "MobileNetV2",
    "NGram",
    "NoiseSchedule",
    "PenalizedOutputs",
    "PixelLikelihood",
    "PlainBlock",
    "Preprocessing",
    "PretrainedSheet",
    "PretrainingLogits",
    "RegionHeads",
    "ResNet",
    "ScalarHead",
    "ScalarMix",
    "Seq2Seq",
    "Seq2SeqTransformer",
    "Spans",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "Summary",
    "TinyYOLO",
    "UNet",
    "VAEOutputs",
    "VisionTransformer",
    "alexnet",
    "alexnet_2012",
    "autoencoder",
    "beam_search",
    "bert",
    "causal_lm_loss",
    "cifar_resnet",
    "contraction",
    "contractive_autoencoder",
    "conv_autoencoder",
    "conv_vae",
    "critic_loss",
    "dcgan",
    "ddim_sample",
    "ddim_step",
    "ddim_times",
    "ddpm",
    "ddpm_loss",
    "ddpm_sample",
    "ddpm_step",
    "deconvnet",
    "denoising_autoencoder",
    "dense_denoiser",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "detector_record",
    "discriminator_loss",
    "fast_rcnn",
    "faster_rcnn",
    "feature_extractor",
    "gan",
    "generate",
    "generator_draw",
    "generator_loss",
    "generator_record",
    "generator_samples",
    "googlenet",
    "gpt1",
    "gpt2",
    "gradient_penalty",
    "greedy_decode",
    "grid_target",
    "guided",
    "importance_bound",
    "inception_v2",
    "inception_v3",
    "inception_v4",
    "kl_sparsity",
    "kl_to_standard_normal",
    "lenet5",
    "load_detector",
    "load_generator",
    "load_pretrained",
    "load_published",
    "loss_of_elmo",
    "loss_with_auxiliary_heads",
    "loss_with_penalty",
    "mask_rcnn",
    "mask_tokens",
    "mlp",
    "mlpconv",
    "mobilenet_v1",
    "mobilenet_v2",
    "negative_elbo",
    "nin",
    "optimal_discriminator",
    "pretrained_names",
    "pretrained_sheet",
    "rcnn",
    "receptive_field",
    "reparameterize",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "sample_tokens",
    "scalar_head",
    "seq2seq",
    "shift_right",
    "simple_cnn",
    "sparse_autoencoder",
    "spectral_norm",
    "stacked_autoencoder",
    "summary",
    "tiny_yolo",
    "token_loss",
    "top_k_filter",
    "top_p_filter",
    "transformer",
    "unet",
    "vae",
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
    "vqa",
    "word_bytes",
    "zfnet",
]
