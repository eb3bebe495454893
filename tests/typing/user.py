"""What a user writes, for type checkers: `make check` runs mypy --strict on it."""

from typing import assert_type

import graphad as ga
from graphad import nn, optim

x = ga.input("x", ("N", 3))
w = ga.parameter("w", [1.0, 2.0, 3.0])
n = ga.state("n", 0)
n.next = n + 1
assert_type(ga.exp(x), ga.Tensor)
assert_type(ga.sum(x, axis=0), ga.Tensor)
assert_type(ga.where(x > 0, x, 0) @ w, ga.Tensor)
assert_type(ga.cumulative_sum(x, 0) * 2.5, ga.Tensor)
assert_type(ga.parameters(w * w), list[ga.Parameter])
model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
loss = ga.mean(nn.functional.relu(model(x)) + ga.reshape(x @ w, (-1, 1))) / x.shape[0]
step = ga.compile([x], loss, updates=optim.SGD(lr=0.1).minimize(loss, model.parameters()))
assert_type(step, ga.Function)
