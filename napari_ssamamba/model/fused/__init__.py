"""Triton kernels for training on NVIDIA GPUs, equal to the plain form in value and gradient."""
