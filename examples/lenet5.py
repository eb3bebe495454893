"""LeNet-5 on handwritten digits, from definition to training, in one page.

python examples/lenet5.py
graphad show examples/lenet5.py:loss --after fuse
"""

import graphad as ga
from graphad import data, nn, optim, train

x = ga.input("x", ("N", 1, 32, 32))
t = ga.input("t", ("N",), dtype="int64")

model = nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(),
    nn.Linear(120, 84), nn.ReLU(),
    nn.Linear(84, 10),
)  # fmt: skip
logits = model(x)
loss = nn.functional.cross_entropy(logits, t)

optimizer = optim.SGD(lr=0.05, momentum=0.9)
step = ga.compile([x, t], loss, updates=optimizer.minimize(loss, model.parameters()))
predict = ga.compile([x], ga.argmax(logits, axis=1))


def main(epochs: int = 10) -> None:
    digits = data.digits(seed=0)
    loader = data.Loader(digits.train_images, digits.train_labels, 64, seed=0, augment=data.random_shift(3))
    train.fit(
        step,
        loader,
        epochs,
        model=model,
        optimizer=optimizer,
        schedule=optim.CosineLR(optimizer, epochs),
        validate=lambda: train.accuracy(predict, digits.test_images, digits.test_labels),
        log=lambda epoch: print(f"epoch {epoch.number + 1}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}"),
    )


if __name__ == "__main__":
    main()
