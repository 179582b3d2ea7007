"""Convolutional networks for images of 224 x 224 (AlexNet: 227 x 227) and 1,000 classes."""

from simulators.accelerator._layer import Layer
from simulators.accelerator._networks_builder import ImageBuilder

_CLASSES = 1000


def alexnet(batch: int) -> list[Layer]:
    """Build AlexNet: Krizhevsky et al., NIPS 2012, section 3.5, with its two groups.

    The paper says 224 x 224, but its 55 x 55 first layer needs 227 (Karpathy, CS231n).
    """
    return _alexnet(batch, groups=2)


def alexnet_ungrouped(batch: int) -> list[Layer]:
    """Build AlexNet without groups: conv2, conv4 and conv5 see all input channels."""
    return _alexnet(batch, groups=1)


def _alexnet(batch: int, groups: int) -> list[Layer]:
    image = ImageBuilder(batch, 3, 227, 227)
    image.conv("conv1", 96, 11, stride=4).pool(3, stride=2)
    image.conv("conv2", 256, 5, padding=2, groups=groups).pool(3, stride=2)
    image.conv("conv3", 384, 3, padding=1)
    image.conv("conv4", 384, 3, padding=1, groups=groups)
    image.conv("conv5", 256, 3, padding=1, groups=groups).pool(3, stride=2)
    return image.linear("fc6", 4096).linear("fc7", 4096).linear("fc8", _CLASSES).layers


def vgg16(batch: int) -> list[Layer]:
    """Build VGG-16: Simonyan and Zisserman, ICLR 2015, table 1, column D."""
    image = ImageBuilder(batch, 3, 224, 224)
    for stage, (channels, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for index in range(depth):
            image.conv(f"conv{stage + 1}_{index + 1}", channels, 3, padding=1)
        image.pool(2, stride=2)
    return image.linear("fc6", 4096).linear("fc7", 4096).linear("fc8", _CLASSES).layers


def resnet18(batch: int) -> list[Layer]:
    """Build ResNet-18: He et al., CVPR 2016, table 1; projection shortcuts (option B)."""
    image = _resnet_stem(batch)
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            name = f"layer{stage + 1}.{block}"
            shortcut = image.branch()
            image.conv(f"{name}.conv1", channels, 3, stride=stride, padding=1)
            image.conv(f"{name}.conv2", channels, 3, padding=1)
            if shortcut.channels != channels:
                shortcut.conv(f"{name}.downsample", channels, 1, stride=stride)
    return image.global_pool().linear("fc", _CLASSES).layers


def resnet50(batch: int) -> list[Layer]:
    """Build ResNet-50 v1.5: He et al., CVPR 2016, table 1, with the stride in the 3 x 3.

    That is what torchvision and MLPerf run; "resnet50-v1" is the paper's.
    """
    return _resnet50(batch, stride_in_3x3=True)


def resnet50_v1(batch: int) -> list[Layer]:
    """Build ResNet-50: He et al., CVPR 2016, table 1, with the stride in the first 1 x 1."""
    return _resnet50(batch, stride_in_3x3=False)


def _resnet50(batch: int, *, stride_in_3x3: bool) -> list[Layer]:
    image = _resnet_stem(batch)
    for stage, (width, depth) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            first, second = (1, stride) if stride_in_3x3 else (stride, 1)
            name = f"layer{stage + 1}.{block}"
            shortcut = image.branch()
            image.conv(f"{name}.conv1", width, 1, stride=first)
            image.conv(f"{name}.conv2", width, 3, stride=second, padding=1)
            image.conv(f"{name}.conv3", 4 * width, 1)
            if block == 0:
                shortcut.conv(f"{name}.downsample", 4 * width, 1, stride=stride)
    return image.global_pool().linear("fc", _CLASSES).layers


def _resnet_stem(batch: int) -> ImageBuilder:
    image = ImageBuilder(batch, 3, 224, 224).conv("conv1", 64, 7, stride=2, padding=3)
    return image.pool(3, stride=2, padding=1)


def mobilenetv2(batch: int) -> list[Layer]:
    """Build MobileNetV2 (width 1.0): Sandler et al., CVPR 2018, table 2."""
    rows = (  # expansion, channels, repeats, stride
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    image = ImageBuilder(batch, 3, 224, 224).conv("features.0", 32, 3, stride=2, padding=1)
    block = 1
    for expansion, channels, repeats, first_stride in rows:
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            _inverted_residual(image, f"features.{block}", expansion, channels, 3, stride)
            block += 1
    image.conv(f"features.{block}", 1280, 1)
    return image.global_pool().linear("classifier", _CLASSES).layers


def efficientnet_b0(batch: int) -> list[Layer]:
    """Build EfficientNet-B0: Tan and Le, ICML 2019, table 1.

    MBConv blocks squeeze to a quarter of the block's *input* channels (Hu et al., CVPR 2018, with
    the reduction that MnasNet's authors use).
    """
    rows = (  # expansion, kernel, stride, channels, repeats
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    )
    image = ImageBuilder(batch, 3, 224, 224).conv("stem", 32, 3, stride=2, padding=1)
    for stage, (expansion, kernel, first_stride, channels, repeats) in enumerate(rows):
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            name, squeezed = f"blocks.{stage}.{index}", image.channels // 4
            _inverted_residual(image, name, expansion, channels, kernel, stride, squeezed)
    image.conv("head", 1280, 1)
    return image.global_pool().linear("classifier", _CLASSES).layers


def _inverted_residual(
    image: ImageBuilder,
    name: str,
    expansion: int,
    channels: int,
    kernel: int,
    stride: int,
    squeezed: int = 0,
) -> None:
    """Expand, filter each channel, weigh the channels (if ``squeezed``), project."""
    expanded = image.channels * expansion
    if expansion > 1:
        image.conv(f"{name}.expand", expanded, 1)
    same = kernel // 2
    image.conv(f"{name}.depthwise", expanded, kernel, stride=stride, padding=same, groups=expanded)
    if squeezed:
        weights = image.branch().global_pool()
        weights.conv(f"{name}.squeeze", squeezed, 1).conv(f"{name}.excite", expanded, 1)
    image.conv(f"{name}.project", channels, 1)
