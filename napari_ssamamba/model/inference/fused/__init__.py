"""The network over a tile on an NVIDIA GPU: Triton kernels between cuBLAS's matrix products."""
