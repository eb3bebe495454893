"""What every source of data answers."""

from dataclasses import dataclass
from typing import final

from numpy import float32, int64
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)  # by identity: comparing arrays answers no bool
class Dataset:
    """Labelled images, split into training and test.

    * images: float32 (n, channels, height, width), in [0, 1]
    * labels: int64 (n,), indices into `names`
    """

    train_images: NDArray[float32]
    train_labels: NDArray[int64]
    test_images: NDArray[float32]
    test_labels: NDArray[int64]
    names: tuple[str, ...]

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.train_images.shape[1:]))
        train, test = len(self.train_labels), len(self.test_labels)
        return f"Dataset({train} + {test} images of {shape}, {len(self.names)} classes)"
