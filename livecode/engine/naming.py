"""Goes through a statement and finds which names it binds and reads (`livecode.engine.names` has the rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from livecode.engine.bodies import ASKING_BY_NAME, MUTATORS, consumes, dotted, handed, root
from livecode.engine.names import Imported, Names, parts, simply_bound, surely_bound, targeted
from livecode.engine.trees import own_nodes


def names_of(nodes: Sequence[ast.AST]) -> Names:
    """What executing these statements binds and reads."""
    finder = _Finder()
    try:
        for node in nodes:
            finder.visit(node)
            finder.sure |= simply_bound(node)
    except RecursionError:  # deeper than the stack is: all that is named in it counts
        finder = _Finder()
        for item in (item for node in nodes for item in own_nodes(node)):
            finder.take(item)
    return Names(
        tuple(finder.binds),
        frozenset(finder.reads),
        frozenset(finder.calls),
        frozenset(finder.attributes),
        tuple(finder.imports),
        frozenset(part for node in nodes for part in parts(node)),
        frozenset(name for node in nodes for name in surely_bound(node)),
        frozenset(finder.touches),
        frozenset(finder.whole & finder.reads),
        frozenset(finder.handed),
    )


def _only_for_checkers(test: ast.expr) -> bool:
    return dotted(test).rpartition(".")[2] == "TYPE_CHECKING"


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.binds: dict[str, None] = {}
        self.reads: set[str] = set()
        self.calls: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.imports: list[Imported] = []
        # of comprehensions and class bodies around the node, innermost last; True stands for a class body
        self.locals: list[tuple[bool, set[str]]] = []
        self.in_class = 0
        self.sure: set[str] = set()  # bound before by the statement itself, whatever branch is taken
        self.globals: set[str] = set()  # of the class body that is being visited
        self.touches: set[str] = set()
        self.whole: set[str] = set()
        self.handed: set[tuple[str, str]] = set()

    def take(self, node: ast.AST) -> None:
        """Notes a node by itself, whatever is around it."""
        match node:
            case ast.Name(ctx=ast.Load()):
                self.reads.add(node.id)
                self.whole.add(node.id)
            case ast.Call() | ast.Attribute() | ast.Subscript():
                self.note(node)
            case ast.Name() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                self.visit(node)
            case ast.Import() | ast.ImportFrom():
                self.visit(node)

    def bind(self, name: str) -> None:
        if self.in_class and name not in self.globals:
            self.locals[-1][1].add(name)
        else:
            self.binds[name] = None

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def is_local(self, name: str) -> bool:
        """True for what a comprehension around binds, and for what the class body binds that the name stands in."""
        for number, (is_class, names) in enumerate(reversed(self.locals)):
            if name in names and (not is_class or number == 0):
                return True
        return False

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.mention(node)
            self.whole.add(node.id)
        elif not (self.locals and not self.locals[-1][0] and self.is_local(node.id)):
            self.bind(node.id)
            if isinstance(node.ctx, ast.Del):
                self.reads.add(node.id)

    def mention(self, node: ast.AST | None) -> None:
        """Visits what is named, but not looked into: an owner of attributes, a base, an annotation, an argument."""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if not self.is_local(node.id) and node.id not in self.sure:
                self.reads.add(node.id)
        elif node is not None:
            self.visit(node)

    def note(self, node: ast.Call | ast.Attribute | ast.Subscript) -> None:
        """What can be said of the node without looking at what is inside."""
        match node:
            case ast.Call(func=ast.Name() | ast.Subscript() as function) if name := root(function):
                self.calls.add(name)
            case ast.Call(func=ast.Attribute(value=owner, attr=attribute)) if attribute in MUTATORS:
                self.touches.add(root(owner))
            case ast.Attribute(ctx=ast.Load()):
                made_by = node.value.func if isinstance(node.value, ast.Call) else node.value
                if chain := dotted(made_by):  # of `Order().total`, `Order.total` is what counts
                    self.attributes.add((chain, node.attr))
            case ast.Attribute() | ast.Subscript(ctx=ast.Store() | ast.Del()):
                self.touches.add(root(node))
        if isinstance(node, ast.Call):
            self.handed |= set(handed([node]))
            asks = dotted(node.func).rpartition(".")[2] in ASKING_BY_NAME
            texts = [each.value for each in node.args if isinstance(each, ast.Constant)] if asks else []
            self.attributes |= {("?", part) for each in texts if isinstance(each, str) for part in each.split(".")}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.note(node)
        self.mention(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.note(node)
        self.visit(node.slice)
        self.visit(node.value) if isinstance(node.ctx, ast.Load) else self.mention(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in MUTATORS:
            self.visit_call(call)
        else:
            self.visit(call)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and not self.is_local(node.target.id):
            self.reads.add(node.target.id)
        if isinstance(node.target, ast.Attribute) and isinstance(node.target.value, ast.Name):
            self.attributes.add((node.target.value.id, node.target.attr))
        self.whole.add(root(node.target))
        self.visit(node.value)
        self.visit(node.target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit_all([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.value])
        self.mention(node.annotation)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit_all([node.iter, node.target])
        self.visit_knowing(targeted(node.target), node.body)
        self.visit_all(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        self.visit_all(node.items)
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
        self.visit_knowing({name for target in targets for name in targeted(target)}, node.body)

    visit_AsyncWith = visit_With  # noqa: N815

    def visit_match_case(self, node: ast.match_case) -> None:
        self.visit_all([node.pattern])
        captured = {getattr(item, "name", None) or getattr(item, "rest", None) for item in ast.walk(node.pattern)}
        self.visit_knowing({name for name in captured if name}, [*([node.guard] if node.guard else []), *node.body])

    def visit_knowing(self, names: set[str], body: Sequence[ast.AST]) -> None:
        """Visits what finds these names bound."""
        known, self.sure = self.sure, self.sure if self.in_class else self.sure | names
        self.visit_all(body)
        self.sure = known

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self.visit_all([*([] if _only_for_checkers(node.test) else node.body), *node.orelse])

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            self.whole.add(root(node.func.value))  # what it returns is used
        self.visit_call(node)

    def visit_call(self, node: ast.Call) -> None:
        self.note(node)
        looks = consumes(dotted(node.func)) or (isinstance(node.func, ast.Attribute) and not root(node.func))
        if isinstance(node.func, ast.Lambda):
            self.visit_called(node.func)
        else:
            self.mention(node.func)
        for argument in (*node.args, *(word.value for word in node.keywords)):
            value = argument.value if isinstance(argument, ast.Starred) else argument
            if looks and isinstance(value, ast.Lambda):
                self.visit_called(value)
            elif looks or isinstance(argument, ast.Starred):
                self.calls |= {value.id} if isinstance(value, ast.Name) else set()
                self.visit(value)
            else:
                self.mention(value)

    def visit_called(self, node: ast.Lambda) -> None:
        """Visits a lambda that is called at once: its body is read too."""
        self.visit(node)
        self.locals.append((False, {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}))
        in_class, self.in_class = self.in_class, 0
        self.visit(node.body)
        self.in_class = in_class
        self.locals.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_decorators(node.decorator_list)
        arguments = node.args
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self.locals.append((False, _parameters(node)))
        for annotation in (*(item.annotation for item in every if item), node.returns):
            self.mention(annotation)
        self.locals.pop()
        self.bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_decorators(node.decorator_list)
        self.locals.append((False, _parameters(node)))
        for base in node.bases:
            self.mention(base)
        self.visit_all(node.keywords)
        self.locals.append((True, set()))
        self.in_class += 1
        around, self.globals = self.globals, _declared(node)
        self.visit_all(node.body)
        self.globals = around
        self.in_class -= 1
        self.locals.pop()
        self.locals.pop()
        self.bind(node.name)

    def visit_decorators(self, decorators: Sequence[ast.expr]) -> None:
        for decorator in decorators:
            self.mention(decorator)
            made_by: ast.expr = decorator
            while isinstance(made_by, ast.Call | ast.Attribute):
                made_by = made_by.func if isinstance(made_by, ast.Call) else made_by.value
            if isinstance(made_by, ast.Name):
                self.calls.add(made_by.id)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self.visit_comprehension_of(node.generators, [node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.visit_comprehension_of(node.generators, [node.key, node.value])

    def visit_comprehension_of(self, generators: Sequence[ast.comprehension], results: Sequence[ast.expr]) -> None:
        targets = set[str]().union(*(targeted(part.target) for part in generators))
        self.visit(generators[0].iter)
        self.locals.append((False, targets))
        in_class, self.in_class = self.in_class, 0
        for index, part in enumerate(generators):
            self.visit_all([part.iter] if index else [])
            self.visit_all([part.target, *part.ifs])
        self.visit_all(results)
        self.in_class = in_class
        self.locals.pop()

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.visit_all([node.type])  # the name is unbound again at the end of the handler
        self.visit_knowing({node.name} if node.name else set(), node.body)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.split(".")[0]
            self.bind(bound)
            self.imports.append(Imported(alias.name, None, bound, 0))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name
            if bound != "*":
                self.bind(bound)
            self.imports.append(Imported(node.module or "", alias.name, bound, node.level))

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name:
            self.bind(node.name)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self.bind(node.rest)

    def visit_TypeAlias(self, node: ast.AST) -> None:
        self.bind(node.name.id)  # type: ignore[attr-defined]  # the value is evaluated lazily (PEP 695)


def _parameters(node: ast.AST) -> set[str]:
    """Type parameters, which are the statement's own (PEP 695)."""
    return {item.name for item in getattr(node, "type_params", ())}


def _declared(node: ast.ClassDef) -> set[str]:
    return {name for item in node.body if isinstance(item, ast.Global) for name in item.names}
