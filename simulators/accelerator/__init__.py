"""DNN accelerators: analytical cost models and a mapper."""
