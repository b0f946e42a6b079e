"""Which ImageNet weights torchvision publishes for the networks of the course, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ADDRESS = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Published:
    """One file of weights, for 1,000 classes.

    Attributes:
        file: its name, which ends with the first eight hexadecimal digits of its SHA-256.
        accuracy: part of ImageNet's 50,000 validation images that it classifies correctly, by torchvision.
        megabytes: size of the file.
        resize: pixels of the shorter side before the middle is cut out.
        size: pixels of either side of what is cut out.
        options: of the network, without which the weights mean something else.
        heads: what the names of the auxiliary heads' weights begin with.
    """

    file: str
    accuracy: float
    megabytes: int
    resize: int = 256
    size: int = 224
    options: Mapping[str, bool] = field(default_factory=dict)
    heads: tuple[str, ...] = ()

    @property
    def hash_prefix(self) -> str:
        """The first hexadecimal digits of the file's SHA-256."""
        return self.file.removesuffix(".pth").rsplit("-", 1)[1]


# Both inceptions come from TensorFlow, where images are standardized with mean and deviation 0.5.
_GOOGLENET = Published(
    "googlenet-1378be20.pth",
    0.69778,
    50,
    options={"transform_input": True, "aux_logits": False},  # its heads were not trained along
    heads=("aux1.", "aux2."),
)
_INCEPTION = Published(
    "inception_v3_google-0cc3c7bd.pth",
    0.77294,
    104,
    resize=342,
    size=299,
    options={"transform_input": True, "aux_logits": True},
    heads=("AuxLogits.",),
)

# By name of the network and of torchvision's weights: V1 by the recipes of the papers, V2 by later ones.
PUBLISHED = {
    ("alexnet", "IMAGENET1K_V1"): Published("alexnet-owt-7be5be79.pth", 0.56522, 233),
    ("vgg11", "IMAGENET1K_V1"): Published("vgg11-8a719046.pth", 0.69020, 507),
    ("vgg13", "IMAGENET1K_V1"): Published("vgg13-19584684.pth", 0.69928, 508),
    ("vgg16", "IMAGENET1K_V1"): Published("vgg16-397923af.pth", 0.71592, 528),
    ("vgg19", "IMAGENET1K_V1"): Published("vgg19-dcbb9e9d.pth", 0.72376, 548),
    ("vgg11_bn", "IMAGENET1K_V1"): Published("vgg11_bn-6002323d.pth", 0.70370, 507),
    ("vgg13_bn", "IMAGENET1K_V1"): Published("vgg13_bn-abd245e5.pth", 0.71586, 508),
    ("vgg16_bn", "IMAGENET1K_V1"): Published("vgg16_bn-6c64b313.pth", 0.73360, 528),
    ("vgg19_bn", "IMAGENET1K_V1"): Published("vgg19_bn-c79401a0.pth", 0.74218, 548),
    ("googlenet", "IMAGENET1K_V1"): _GOOGLENET,
    ("inception_v3", "IMAGENET1K_V1"): _INCEPTION,
    ("resnet18", "IMAGENET1K_V1"): Published("resnet18-f37072fd.pth", 0.69758, 45),
    ("resnet34", "IMAGENET1K_V1"): Published("resnet34-b627a593.pth", 0.73314, 83),
    ("resnet50", "IMAGENET1K_V1"): Published("resnet50-0676ba61.pth", 0.76130, 98),
    ("resnet50", "IMAGENET1K_V2"): Published("resnet50-11ad3fa6.pth", 0.80858, 98, resize=232),
    ("resnet101", "IMAGENET1K_V1"): Published("resnet101-63fe2227.pth", 0.77374, 171),
    ("resnet101", "IMAGENET1K_V2"): Published("resnet101-cd907fc2.pth", 0.81886, 171, resize=232),
    ("resnet152", "IMAGENET1K_V1"): Published("resnet152-394f9c45.pth", 0.78312, 230),
    ("resnet152", "IMAGENET1K_V2"): Published("resnet152-f82ba261.pth", 0.82284, 230, resize=232),
    ("densenet121", "IMAGENET1K_V1"): Published("densenet121-a639ec97.pth", 0.74434, 31),
    ("densenet169", "IMAGENET1K_V1"): Published("densenet169-b2777c0a.pth", 0.75600, 55),
    ("densenet201", "IMAGENET1K_V1"): Published("densenet201-c1103571.pth", 0.76896, 77),
    ("densenet161", "IMAGENET1K_V1"): Published("densenet161-8d451a50.pth", 0.77138, 110),
    ("mobilenet_v2", "IMAGENET1K_V1"): Published("mobilenet_v2-b0353104.pth", 0.71878, 14),
    ("mobilenet_v2", "IMAGENET1K_V2"): Published("mobilenet_v2-7ebf99e0.pth", 0.72154, 14, resize=232),
    ("vit_b_16", "IMAGENET1K_V1"): Published("vit_b_16-c867db91.pth", 0.81072, 330),
    ("vit_b_32", "IMAGENET1K_V1"): Published("vit_b_32-d86f8d99.pth", 0.75912, 337),
    ("vit_l_16", "IMAGENET1K_V1"): Published("vit_l_16-852ce7e3.pth", 0.79662, 1161, resize=242),
    ("vit_l_32", "IMAGENET1K_V1"): Published("vit_l_32-c7638314.pth", 0.76972, 1169),
}
