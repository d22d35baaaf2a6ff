"""Kernels of viewers: forks of one process that has already imported everything.

A dashboard's kernel spends its memory and its first second on imports that are the same for every
viewer. Here one process makes them (`warm_parent`), each kernel is a fork of it and shares its
memory until either writes to it. `provisioner` makes that a way of starting kernels that Jupyter
knows, `forks` is the line between the two.
"""
