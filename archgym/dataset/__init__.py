"""Data sets: the trials of all agents on one design space in one typed Parquet file."""

from archgym.dataset._merge import merge_dataset
from archgym.dataset._table import DataSet, Summary

__all__ = ["DataSet", "Summary", "merge_dataset"]
