"""The commands and their arguments."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from graphad.cli import benching, comparing, facts, showing, training

app = typer.Typer(
    help="A define-and-run autodiff compiler.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(help="Train a model.", no_args_is_help=True)
app.add_typer(train_app, name="train")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphad {version('graphad')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print graphad's version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """A define-and-run autodiff compiler."""


@train_app.command()
def lenet5(
    data: Annotated[str, typer.Option(help="digits, or a folder with MNIST's four IDX files.")] = "digits",
    epochs: Annotated[int | None, typer.Option(min=1, help="60 on the digits, 10 on larger sets.")] = None,
    lr: Annotated[float, typer.Option(help="Learning rate at the start; it falls along a cosine.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of split, weights, order and shifts.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Images a step.")] = 64,
    out: Annotated[Path, typer.Option(help="Folder for lenet5.png and the checkpoints.")] = Path("demo"),
    threads: Annotated[int | None, typer.Option(min=1, help="All cores unless given.")] = None,
    target: Annotated[str, typer.Option(help="cpu, or numpy: the reference interpreter.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
) -> None:
    """Train LeNet-5 on images of 32x32 and draw what it learnt."""
    training.lenet5(data, epochs, lr, seed, batch, out, threads, target, resume)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="FILE:NAME", help="A tensor or compiled function in a file.")],
    after: Annotated[str | None, typer.Option(help="A pass, such as cse or fuse. Without: the kernels.")] = None,
    size: Annotated[list[str] | None, typer.Option(metavar="N=64", help="A symbolic size's number.")] = None,
) -> None:
    """Print the graph of a tensor after a pass, or its kernels."""
    typer.echo(showing.text(what, after, size or []))


@app.command()
def modes(
    graphs: Annotated[
        list[str] | None, typer.Argument(metavar="[GRAPH ...]", help="Names, how they begin, or files with graphs.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Points, for graphs that are evaluated at many.")] = None,
    peer: Annotated[str | None, typer.Option(help="jax: time its jacfwd and jacrev, too.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for modes.json and modes.png.")] = Path("modes"),
    target: Annotated[str, typer.Option(help="cpu, or numpy: the reference interpreter.")] = "cpu",
    list_: Annotated[bool, typer.Option("--list", help="Only list the benchmark graphs.")] = False,
) -> None:
    """Compare all AD modes on benchmark graphs: multiplications, time, memory."""
    if list_:
        comparing.list_graphs()
    else:
        comparing.modes(graphs or [], batch, peer, out, target)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)  # its options are those of the benchmarks, which this package does not hold
def bench(context: typer.Context) -> None:
    """Time graphad against PyTorch, JAX and others; needs the repository. Its own --help says what there is."""
    benching.bench(context.args)


@app.command()
def info(
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Measure this machine's rates and keep them.")] = False,
) -> None:
    """Print versions, processor, threads, the cache folder, and what operations cost."""
    facts.info(calibrate)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all compiled programs.")] = False,
) -> None:
    """Print where compiled programs are kept, or remove them."""
    facts.cache(clear)
