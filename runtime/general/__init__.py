"""General kernels: programs that the translator refuses, compiled by Numba. Nothing else of this room knows Numba."""
