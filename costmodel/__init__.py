"""Learned cost models that read compiler programs as text and predict what hardware will do."""
