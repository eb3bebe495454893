"""Data to train on: sets that need no network, IDX files, and batches that can be repeated.

* `digits`, `mnist`: a `Dataset` of 32x32 images, split into training and test
* `idx.read`, `idx.write`: the file format of MNIST and its kin
* `Loader`, `random_shift`: shuffled batches of an epoch, and a shift drawn for each image
"""

from graphad.data import idx
from graphad.data.augment import Augment, random_shift
from graphad.data.dataset import Dataset
from graphad.data.errors import DataError
from graphad.data.loader import Loader
from graphad.data.sources import digits, mnist

__all__ = ["DataError", "Dataset", "digits", "mnist", "idx", "Loader", "Augment", "random_shift"]
