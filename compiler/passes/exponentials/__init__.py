"""Sums of exponentials: every expression that does not depend on their scale is computed from shifted ones.

With ``s = sum(exp(x))`` and ``p = exp(x) / s``, the nodes built of exp(x), s and other values by products, quotients
and sums are sums of terms ``coefficient * p^a * s^b``. Their exponents are followed through the graph; a node in which
no power of s and no negative power of p is left is made anew from p, which is computed with the maximum subtracted.
That covers softmax, log-sum-exp and log-softmax written naively and, since cancelled powers are never formed, the
gradients that AD made of them: cross-entropy's collapses to ``p * sum(t) - t``.

``terms``: the arithmetic of such sums. ``shifted``: p, log p and log s from shifted exponentials. ``normalise``: the
walk over the graph.
"""
