"""The loop: what it reports, that a resumed training is an unbroken one, and what stops it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphad import data, train
from graphad.train import snapshot
from tests.train.toy import LABELS, POINTS, same, toy


def test_it_learns_and_reports_each_epoch() -> None:
    one, epochs = toy(), []
    history = one.fit(6, log=epochs.append)
    assert len(history) == 6
    assert history.loss[-1] < 0.6 * history.loss[0]
    assert history.accuracy[-1] > 0.8
    assert history.best == max(history.accuracy)
    assert [epoch.loss for epoch in epochs] == history.loss
    assert [epoch.number for epoch in epochs] == list(range(6))
    assert history.lr[0] > history.lr[-1] > 0  # the cosine, at the last step of each epoch


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    a, b, c = toy(), toy(), toy(seed=1)
    assert a.fit(2) == b.fit(2) != c.fit(2)
    assert same(a.weights(), b.weights())


def test_a_mean_counts_examples_not_batches() -> None:
    """50 examples in batches of 8 leave a last one of 2."""

    def step(points: np.ndarray, labels: np.ndarray) -> float:
        return 50.0 if len(points) == 2 else 0.0

    assert toy().fit(1, step=step).loss == [2.0]


@pytest.mark.parametrize(("epochs_before", "target"), [(1, "numpy"), (3, "numpy"), (2, "cpu")])
def test_a_resumed_training_is_an_unbroken_one_to_the_bit(tmp_path: Path, epochs_before: int, target: str) -> None:
    unbroken = toy(target=target)
    expected = unbroken.fit(6)
    toy(target=target).fit(epochs_before, tmp_path)
    resumed = toy(target=target)
    resumed.model.load_state_dict(toy(seed=5).model.state_dict())  # its own start does not matter
    assert resumed.fit(6, tmp_path, resume=True) == expected
    assert same(resumed.weights(), unbroken.weights())


def test_a_training_killed_in_an_epoch_resumes_before_it(tmp_path: Path) -> None:
    unbroken, killed = toy(), toy()
    expected = unbroken.fit(4)
    calls = iter(range(1000))

    def dying(*batch: Any) -> Any:
        if next(calls) == 17:  # in epoch 2: each has 7 batches
            raise KeyboardInterrupt
        return killed.step(*batch)

    with pytest.raises(KeyboardInterrupt):
        killed.fit(4, tmp_path, step=dying)
    resumed = toy()
    assert resumed.fit(4, tmp_path, resume=True) == expected
    assert same(resumed.weights(), unbroken.weights())


def test_resuming_what_is_done_changes_nothing(tmp_path: Path) -> None:
    done = toy()
    history = done.fit(3, tmp_path)
    again = toy()
    assert again.fit(3, tmp_path, resume=True) == history
    assert same(again.weights(), done.weights())


def test_without_a_checkpoint_resume_starts_anew(tmp_path: Path) -> None:
    assert toy().fit(2, tmp_path / "new", resume=True) == toy().fit(2)


def test_the_best_checkpoint_is_the_first_of_the_best_epoch(tmp_path: Path) -> None:
    one, weights = toy(), []
    accuracies = iter([0.5, 0.9, 0.7, 0.9])

    def validate() -> float:
        weights.append(one.model.state_dict())
        return next(accuracies)

    history = one.fit(4, tmp_path, validate=validate)
    assert (history.best, history.best_epoch) == (0.9, 1)
    other = toy(seed=3)
    train.load_model(tmp_path / snapshot.BEST, other.model)
    assert same(other.model.state_dict(), weights[1])
    train.load_model(tmp_path / snapshot.LAST, other.model)
    assert same(other.model.state_dict(), weights[3])


def test_a_loss_that_is_not_finite_stops_it() -> None:
    with pytest.raises(train.TrainingError, match=r"the loss is nan in epoch 0, batch 0 \(both from 0\); a smaller"):
        toy().fit(1, step=lambda *batch: float("nan"))


def test_a_step_that_answers_more_than_the_loss() -> None:
    with pytest.raises(train.TrainingError, match=r"one number, got shape \[2\]; compile it with the loss alone"):
        toy().fit(1, step=lambda *batch: np.zeros(2))


def test_an_epoch_without_batches() -> None:
    class Empty:
        seed = 0

        def __len__(self) -> int:
            return 0

        def epoch(self, k: int) -> Iterator[tuple[Any, ...]]:
            return iter(())

    one = toy()
    with pytest.raises(train.TrainingError, match="epoch 0 has no batches"):
        train.fit(one.step, Empty(), 1, model=one.model, optimizer=one.optimizer)


def test_predictions_must_be_classes() -> None:
    with pytest.raises(train.TrainingError, match=r"got \[50, 2\]; compile ga.argmax\(model\(x\), axis=1\)\?"):
        train.accuracy(lambda x: np.zeros((len(x), 2)), POINTS, LABELS)


def test_lenets_recipe_runs() -> None:
    digits = data.digits(0)
    few = data.Dataset(
        digits.train_images[:64], digits.train_labels[:64], digits.test_images[:20], digits.test_labels[:20],
        digits.names,
    )  # fmt: skip
    trained = train.lenet5(few, epochs=2, batch=32, target="numpy", progress=False)
    assert len(trained.history) == 2
    assert trained.predicted.shape == (20,)
    assert trained.accuracy == trained.history.accuracy[-1]
    assert trained.step_seconds > 0
