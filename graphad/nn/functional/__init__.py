"""Functions of tensors under the names, with the arguments and layouts (NCHW, OIHW), of torch.nn.functional.

* `conv`: convolutions, as a contraction of a sliding window
* `pool`: maximum and mean of a sliding window
* `activation`: nonlinearities and softmax
* `linear`: the affine map
* `regression`, `classification`: losses
"""

from graphad.nn.functional.activation import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    logsigmoid,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from graphad.nn.functional.classification import cross_entropy, multi_margin_loss, nll_loss
from graphad.nn.functional.conv import conv1d, conv2d, conv3d
from graphad.nn.functional.linear import linear
from graphad.nn.functional.pool import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from graphad.nn.functional.regression import (
    binary_cross_entropy_with_logits,
    hinge_loss,
    l1_loss,
    mse_loss,
)

__all__ = [
    # layers
    "conv1d",
    "conv2d",
    "conv3d",
    "linear",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    # activations
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    # losses
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "l1_loss",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
]
