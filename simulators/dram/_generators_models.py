"""Seeded request streams of machine-learning kernels: embedding lookups, GEMM tiles, attention."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulators.dram._pattern import LINE_BYTES, Arrivals, Flags, Lines, Pattern
from simulators.dram._validation import require_int, require_multiple, require_number


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipfEmbedding(Pattern):
    """Embedding-table lookups of a recommendation model: popular rows are read far more often.

    A sample looks ``pooling`` rows up in each table in turn; row ranks follow a Zipf law with the
    given exponent, P(rank k) ~ 1 / k^exponent, and ranks are scattered over the table at random.
    Intensity: a lookup of 256 bytes opens a row for four bursts; one request per 5 cycles is 80 %
        of DDR3-1600's peak,
    which only a controller that keeps the four together reaches.
    """

    name: ClassVar[str] = "zipf-embedding"
    summary: ClassVar[str] = "Zipf-distributed 256-byte rows of eight embedding tables"

    arrivals: Arrivals = "poisson"
    """Evenly spaced, or a Poisson process with the same mean."""

    tables: int = 8
    """Embedding tables, 1 to 1,024."""

    rows_per_table: int = 65_536
    """Rows of each table, 1 to 16,777,216."""

    row_bytes: int = 256
    """Bytes of an embedding, a multiple of 64 up to 64 KiB."""

    pooling: int = 4
    """Lookups in a table per sample, 1 to 1,024."""

    exponent: float = 1.05
    """Zipf exponent, 0 (uniform) to 4; click logs show about 1 (Naumov et al. 2019, DLRM)."""

    write_ratio: float = 0.1
    """Probability that a lookup writes its row, as in training, 0 to 1."""

    def _check(self) -> None:
        require_int("tables", self.tables, 1, 1024)
        require_int("rows_per_table", self.rows_per_table, 1, 1 << 24)
        require_int("row_bytes", self.row_bytes, LINE_BYTES, 65_536)
        require_multiple("row_bytes", self.row_bytes, LINE_BYTES)
        require_int("pooling", self.pooling, 1, 1024)
        require_number("exponent", self.exponent, 0, 4)
        require_number("write_ratio", self.write_ratio, 0, 1)

    @property
    def span_bytes(self) -> int:
        """Bytes of all tables."""
        return self.tables * self.rows_per_table * self.row_bytes

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        row_lines = self.row_bytes // LINE_BYTES
        lookups = -(-requests // row_lines)
        table = np.arange(lookups) // self.pooling % self.tables
        cumulated = np.cumsum(np.arange(1, self.rows_per_table + 1.0) ** -self.exponent)
        rank = np.searchsorted(cumulated, rng.random(lookups) * cumulated[-1], side="right")
        # Two tables must not have their popular rows at the same place: shift the scatter per
        # table.
        shift = rng.integers(0, self.rows_per_table, self.tables)
        scatter = rng.permutation(self.rows_per_table)
        row = scatter[(rank + shift[table]) % self.rows_per_table]
        first = (table * self.rows_per_table + row) * row_lines
        lines = (first[:, np.newaxis] + np.arange(row_lines)).reshape(-1)[:requests]
        writes = np.repeat(rng.random(lookups) < self.write_ratio, row_lines)[:requests]
        return lines, writes


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmTiles(Pattern):
    """A blocked matrix product C = A x B, row-major, with an output-stationary loop order.

    For each tile of C (row by row) the tiles of A and B along k are read, then the tile of C is
    written; after the last tile the product starts again. Deterministic: the seed is ignored.
    Intensity: tiles are fetched at 80 % of DDR3-1600's peak; the rows of a tile are ``k`` or ``n``
        elements apart, so a request
    often leaves the DRAM row of the one before.
    """

    name: ClassVar[str] = "gemm-tiles"
    summary: ClassVar[str] = (
        "tiles of A and B read, tiles of C written, of a 1024 x 1024 x 128 product"
    )

    m: int = 1024
    """Rows of A and C, a multiple of tile_m."""
    n: int = 1024
    """Columns of B and C, a multiple of tile_n."""
    k: int = 128
    """Columns of A and rows of B, a multiple of tile_k."""
    tile_m: int = 32
    """Rows of a tile of C."""
    tile_n: int = 32
    """Columns of a tile of C; a row of it is a multiple of 64 bytes."""
    tile_k: int = 32
    """Depth of a tile; a row of A's tile is a multiple of 64 bytes."""
    element_bytes: int = 4
    """Bytes of an element, 1 to 16."""

    def _check(self) -> None:
        for name in ("m", "n", "k"):
            tile, extent = getattr(self, f"tile_{name}"), getattr(self, name)
            require_int(f"tile_{name}", tile, 1, 4096)
            require_int(name, extent, 1, 1 << 20)
            require_multiple(name, extent, tile)
        require_int("element_bytes", self.element_bytes, 1, 16)
        require_multiple("tile_k x element_bytes", self.tile_k * self.element_bytes, LINE_BYTES)
        require_multiple("tile_n x element_bytes", self.tile_n * self.element_bytes, LINE_BYTES)

    @property
    def span_bytes(self) -> int:
        """Bytes of A, B and C."""
        return (self.m * self.k + self.k * self.n + self.m * self.n) * self.element_bytes

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        a_row, b_row = (width * self.element_bytes // LINE_BYTES for width in (self.k, self.n))
        b_start, c_start = self.m * a_row, self.m * a_row + self.k * b_row
        a_tile = self._tile(self.tile_m, self.tile_k, a_row)
        b_tile = self._tile(self.tile_k, self.tile_n, b_row)
        c_tile = self._tile(self.tile_m, self.tile_n, b_row)
        steps = np.arange(self.k // self.tile_k)
        per_block = len(steps) * (len(a_tile) + len(b_tile)) + len(c_tile)
        # A long k needs no more tiles than there are requests; C is then never reached.
        steps = steps[: -(-requests // (len(a_tile) + len(b_tile)))]
        columns = self.n // self.tile_n
        blocks = np.arange(-(-requests // per_block)) % (self.m // self.tile_m * columns)
        i, j = (index[:, np.newaxis, np.newaxis] for index in np.divmod(blocks, columns))
        k = steps[:, np.newaxis]
        a_width, b_width = (
            tile * self.element_bytes // LINE_BYTES for tile in (self.tile_k, self.tile_n)
        )
        a = i * self.tile_m * a_row + k * a_width + a_tile
        b = b_start + k * self.tile_k * b_row + j * b_width + b_tile
        c = (c_start + i * self.tile_m * b_row + j * b_width + c_tile)[:, 0]
        reads = np.concatenate([a, b], axis=2).reshape(len(blocks), -1)
        lines = np.concatenate([reads, c], axis=1).reshape(-1)[:requests]
        return lines, np.arange(requests) % per_block >= per_block - len(c_tile)

    def _tile(self, rows: int, columns: int, row_lines: int) -> Lines:
        """Return the lines of a tile at the origin of a matrix whose rows have ``row_lines``."""
        width = columns * self.element_bytes // LINE_BYTES
        return (np.arange(rows)[:, np.newaxis] * row_lines + np.arange(width)).reshape(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvCache(Pattern):
    """Key-value cache traffic of transformer decoding.

    For every new token, and in it for every sequence of the batch and every layer, the keys and
    values of all heads are appended (writes), then each head reads its keys and its values of the
    whole history. A sequence that reaches ``max_tokens`` goes on in a ring. The layout is
    [sequence][layer][key or value][head][token]. Deterministic: the seed is ignored. Intensity:
    long sequential reads at 80 % of DDR3-1600's peak, with short scattered writes that turn the
    bus.
    """

    name: ClassVar[str] = "kv-cache"
    summary: ClassVar[str] = "attention decoding: append keys and values, read the whole history"

    sequences: int = 2
    """Sequences decoded together, 1 to 4,096."""
    layers: int = 4
    """Transformer layers, 1 to 1,024."""
    heads: int = 8
    """Key-value heads, 1 to 1,024."""
    head_dim: int = 64
    """Elements of a head's key; head_dim x element_bytes is a multiple of 64."""
    element_bytes: int = 2
    """Bytes of an element, 1 to 8."""
    context_tokens: int = 32
    """Tokens in the cache at the start (the prompt), 0 to max_tokens - 1."""
    max_tokens: int = 1024
    """Tokens for which memory is set aside, 1 to 1,048,576."""

    def _check(self) -> None:
        require_int("sequences", self.sequences, 1, 4096)
        require_int("layers", self.layers, 1, 1024)
        require_int("heads", self.heads, 1, 1024)
        require_int("head_dim", self.head_dim, 1, 4096)
        require_int("element_bytes", self.element_bytes, 1, 8)
        require_multiple("head_dim x element_bytes", self.head_dim * self.element_bytes, LINE_BYTES)
        require_int("max_tokens", self.max_tokens, 1, 1 << 20)
        require_int("context_tokens", self.context_tokens, 0, self.max_tokens - 1)

    @property
    def token_lines(self) -> int:
        """Lines of one head's key (or value) of one token."""
        return self.head_dim * self.element_bytes // LINE_BYTES

    @property
    def span_bytes(self) -> int:
        """Bytes set aside for all sequences."""
        vectors = self.sequences * self.layers * 2 * self.heads * self.max_tokens
        return vectors * self.token_lines * LINE_BYTES

    def _requests(self, requests: int, rng: np.random.Generator) -> tuple[Lines, Flags]:
        chunks: list[Lines] = []
        appends: list[Flags] = []
        missing, token = requests, self.context_tokens
        region = 2 * self.heads * self.max_tokens * self.token_lines
        while missing > 0:
            step, writes = self._layer_step(token, missing)
            layers = min(self.sequences * self.layers, -(-missing // len(step)))
            starts = np.arange(layers)[:, np.newaxis] * region
            chunks.append((starts + step).reshape(-1))
            appends.append(np.tile(writes, layers))
            missing -= layers * len(step)
            token += 1
        return np.concatenate(chunks)[:requests], np.concatenate(appends)[:requests]

    def _layer_step(self, token: int, wanted: int) -> tuple[Lines, Flags]:
        """Return the lines of one layer's work for one token, relative to the layer's region.

        A step longer than ``wanted`` may be cut there.
        """
        vector_lines = self.max_tokens * self.token_lines
        starts = np.arange(2 * self.heads)[:, np.newaxis] * vector_lines
        slot = token % self.max_tokens
        append = (starts + slot * self.token_lines + np.arange(self.token_lines)).reshape(-1)
        history = min(token + 1, self.max_tokens) * self.token_lines
        # Head by head, its keys before its values: [head][key or value][token].
        by_head = starts.reshape(2, self.heads).T.reshape(-1, 1)
        reads = by_head[: -(-wanted // history)] + np.arange(min(history, wanted))
        reads = reads.reshape(-1)
        return np.concatenate([append, reads]), np.arange(len(append) + len(reads)) < len(append)
