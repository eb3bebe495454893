"""The walk: forms from operands to users, and new nodes where a form has become safe."""

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import After, Map, Reduce, View
from graphad.compiler.ir.make import full, mapped, reduced, uniform, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap, Reshape, compose, identity
from graphad.compiler.passes.exponentials.shifted import Shifted
from graphad.compiler.passes.exponentials.terms import Algebra, Form, Term, Terms, declared_algebras, plain
from graphad.compiler.passes.rules.views import canonical

_MOST = 4  # terms of a form; longer sums are left as they are written


def normalise(graph: Graph) -> Graph:
    """The graph with every sum of exponentials shifted, one after the other."""
    for algebra in declared_algebras():
        sums = [n for n in graph.nodes if n.op is algebra.sum and n.operands[0].op is algebra.exp and _shifts(n)]
        for i in range(len(sums)):
            walk = _Walk(algebra, sums[i])
            graph = graph.rebuild(walk.make)
            sums = [walk.made.get(n, n) for n in sums]
    return graph


def _shifts(total: Node) -> bool:
    """Whether there is a greatest element to shift by: a sum of nothing is 0, but has none."""
    return 0 not in total.operands[0].type.shape


class _Walk:
    """One sum of exponentials, and the forms of what depends on it."""

    def __init__(self, algebra: Algebra, total: Node) -> None:
        self.algebra = algebra
        self.terms = Terms(algebra)
        self.shifted = Shifted(algebra, total)
        self.exp = total.operands[0]
        self.total = total
        full_shape = self.exp.type.shape
        self.spread = canonical(_spread(self.shifted.axes, full_shape), total.type.shape)
        self.forms: dict[Node, Form] = {}
        self.made: dict[Node, Node] = {}

    def make(self, node: Node, operands: tuple[Node, ...]) -> Node:
        """The node on its new operands, computed from p where that is safe and its operands are not."""
        new = self.made[node] = self._make(node.with_operands(operands))
        return new

    def _make(self, node: Node) -> Node:
        operands = node.operands[:1] if isinstance(node.kind, After) else node.operands
        known = [self.forms[o] for o in operands if o in self.forms]
        if node is not self.exp and not known:
            return node
        if node.op is self.algebra.log:
            return self.logarithm(node, known[0])
        form = self.form(node)
        if form is None:
            return node
        if form.is_safe and not all(f.is_safe for f in known):
            node = self.value(form, node)
        self.forms[node] = form
        return node

    def form(self, node: Node) -> Form | None:
        """What the node is as a sum of terms, or None where it leaves the algebra."""
        if node is self.exp:
            return Form(node.type, self.spread, (Term(1, None, 1, 1),))
        if isinstance(node.kind, After):
            return self.forms[node.operands[0]]
        if any(o.type.dtype != self.exp.type.dtype for o in (node, *node.operands)):
            return None
        if isinstance(node.kind, View):
            return self.view(node, self.forms[node.operands[0]])
        if isinstance(node.kind, Reduce):
            return self.reduce(node, self.forms[node.operands[0]])
        if not isinstance(node.kind, Map) or not isinstance(node.op, MapOp):
            return None
        operands = [self.forms[o] if o in self.forms else plain(o) for o in node.operands]
        found = self.terms.map(node.op, operands)
        return found if found is not None and len(found.terms) <= _MOST else None

    def view(self, node: Node, form: Form) -> Form | None:
        """s through a view is s in another frame; p is followed in its own shape only."""
        assert isinstance(node.kind, View)
        outer = node.kind.map
        if isinstance(outer, Reshape) or outer.guarded or form.frame is None or any(t.power for t in form.terms):
            return None
        frame = compose(outer, form.frame)
        if frame is None:
            return None
        terms = tuple(Term(t.sign, _viewed(t.coefficient, outer), 0, t.scale) for t in form.terms)
        return Form(node.type, canonical(frame, self.total.type.shape), terms)

    def reduce(self, node: Node, form: Form) -> Form | None:
        """sum(c p^a s^b) = sum(c p^a) s^b over the axes that s is a sum over; sum(p) = 1."""
        assert isinstance(node.kind, Reduce)
        if node.op is not self.algebra.sum or node.kind.axes != self.shifted.axes or form.frame != self.spread:
            return None
        if any(t.power < 0 for t in form.terms):
            return None
        terms = []
        for t in form.terms:
            is_one = t.coefficient is None and t.power == 1
            inner = None if is_one else reduced(self.algebra.sum, self.term(t, form), node.kind.axes, node.site)
            terms.append(Term(t.sign, inner, 0, t.scale))
        return Form(node.type, identity(node.type.shape), tuple(terms))

    def term(self, t: Term, form: Form) -> Node:
        """``coefficient * p^power``, without the sign and the scale."""
        value = t.coefficient
        for _ in range(t.power):
            value = self.shifted.p if value is None else self.shifted.scaled(value)
        return full(1, form.type) if value is None else value

    def value(self, form: Form, node: Node) -> Node:
        """A safe form as nodes."""
        total: Node | None = None
        for t in sorted(form.terms, key=lambda t: -t.sign):
            part = self.term(t, form)
            if total is None:
                total = part if t.sign > 0 else mapped(self.algebra.negative, part, site=node.site)
            else:
                op = self.algebra.add if t.sign > 0 else self.algebra.subtract
                total = mapped(op, total, part, site=node.site)
        assert total is not None
        return total

    def logarithm(self, node: Node, form: Form) -> Node:
        """log(c p^a s^b) = log c + a log p + b log s, for a known c > 0 and powers of one."""
        (t, *more) = form.terms
        factor = None if t.coefficient is None else uniform(t.coefficient)
        known = t.sign > 0 and (t.coefficient is None or (factor is not None and factor > 0))
        if more or not known or form.frame is None or (t.power, t.scale) not in ((1, 0), (0, 1), (0, -1)):
            return node
        a = self.algebra
        log_s = viewed(self.shifted.log_s, form.frame, node.site)
        value = self.shifted.log_p if t.power else log_s if t.scale > 0 else mapped(a.negative, log_s, site=node.site)
        if t.coefficient is None:
            return value
        return mapped(a.add, value, mapped(a.log, t.coefficient, site=node.site), site=node.site)


def _viewed(coefficient: Node | None, outer: Affine) -> Node | None:
    return None if coefficient is None else viewed(coefficient, outer)


def _spread(axes: tuple[int, ...], shape: Shape) -> Affine:
    return Affine(shape, tuple(AxisMap(terms=((i, 1),)) for i in range(len(shape)) if i not in axes))
