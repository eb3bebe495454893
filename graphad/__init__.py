"""graphad: a define-and-run autodiff compiler.

Write a computation once as a static graph; differentiate it; compile it; run it.
"""
from graphad.autodiff import *
from graphad.build import constant
from graphad.evaluate import evaluate
from graphad.leaves import input, parameter, state
from graphad.ops import *
