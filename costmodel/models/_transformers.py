"""The classes of ``transformers`` that the encoder builds on, or what to install."""

# mypy: allow-subclassing-any

from typing import TYPE_CHECKING, Any

from costmodel.errors import MissingDependencyError

__all__ = ["AutoConfig", "AutoModel", "PreTrainedModel", "PretrainedConfig"]

if TYPE_CHECKING:
    from torch import nn

    AutoConfig: Any
    AutoModel: Any

    class PretrainedConfig:
        """See transformers."""

        def __init__(self, **others: Any) -> None: ...

    class PreTrainedModel(nn.Module):
        """See transformers."""

        def __init__(self, config: PretrainedConfig) -> None: ...

        def post_init(self) -> None:
            """Initialise weights."""

        def save_pretrained(self, folder: Any) -> None:
            """Write a folder."""

else:
    try:
        from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
    except ImportError as error:
        raise MissingDependencyError(
            "The encoder needs transformers, which is not installed: "
            "pip install 'archgym[neural]'. The models fast and trees do without."
        ) from error
