"""The packages of the wheel: three top-level folders under one name.

Computed here, because package finding in pyproject.toml does not see through the mapping and a list
written by hand forgets the next sub-package.
"""

from setuptools import find_packages, setup

ROOMS = {"graphad": "graphad", "graphad.compiler": "compiler", "graphad.runtime": "runtime"}

setup(
    package_dir=ROOMS,
    packages=[
        name for room, folder in ROOMS.items() for name in (room, *(f"{room}.{p}" for p in find_packages(folder)))
    ],
)
