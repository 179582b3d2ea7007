"""Text as the native core takes it."""

from collections.abc import Iterable


def to_bytes(text: str | bytes) -> bytes:
    """Return the bytes of a text; lone surrogates, as of undecodable input, are kept."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def all_to_bytes(texts: Iterable[str | bytes]) -> list[bytes]:
    """Return the bytes of several texts; one text is refused, since it iterates by characters."""
    if isinstance(texts, str | bytes):
        raise TypeError("Expected several texts, got one. Put it into a list: [text].")
    return [to_bytes(text) for text in texts]
