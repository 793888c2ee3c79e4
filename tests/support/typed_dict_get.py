"""For mypy: a misspelt field is an error in `answer.get("Staus")` as it is in `answer["Staus"]`.

By itself mypy takes a key that a TypedDict does not have for one that a subtype may have, and gives object,
which every f-string and every condition takes. https://mypy.readthedocs.io/en/stable/extending_mypy.html
"""

from collections.abc import Callable

from mypy.plugin import MethodContext, Plugin
from mypy.plugins.default import typed_dict_get_callback
from mypy.typeops import try_getting_str_literals
from mypy.types import Type, TypedDictType


class KnownKeys(Plugin):
    """Judges the keys, and leaves the type to mypy's own plugin, which is not asked after this one."""

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return _judge if fullname == "typing.Mapping.get" else None


def _judge(ctx: MethodContext) -> Type:
    if isinstance(ctx.type, TypedDictType):
        for key in try_getting_str_literals(ctx.args[0][0], ctx.arg_types[0][0]) or []:
            if key not in ctx.type.items:
                name = ctx.type.fallback.type.name
                ctx.api.fail(f'TypedDict "{name}" has no key "{key}"', ctx.context)
    return typed_dict_get_callback(ctx)


def plugin(version: str) -> type[Plugin]:
    return KnownKeys
