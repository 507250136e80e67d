"""Finding the functions of a project: every file in the `defer` package of every installed app."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from deferapp.functions import registry

PACKAGE = "defer"


def import_all() -> None:
    """Import every file, so that what it declares is registered. An error in a file is raised as it is."""
    for module in modules():
        import_module(module)


def modules() -> list[str]:
    """The dotted names of all files in `defer` packages, but for those that begin with an underscore."""
    found: list[str] = []
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, PACKAGE):
            continue
        package = import_module(f"{app.name}.{PACKAGE}")
        names = (info.name for info in pkgutil.iter_modules(getattr(package, "__path__", [])))
        found += [f"{package.__name__}.{name}" for name in names if not name.startswith("_")]
    return found


def problems() -> list[registry.Problem]:
    """Files that do not hold exactly the one function they are named after."""
    return [problem for module in modules() if (problem := _problem_of(module))]


def _problem_of(module: str) -> registry.Problem | None:
    here = [function.name for function in registry.functions() if function.func.__module__ == module]
    if here == [module]:
        return None
    name = module.rpartition(".")[2]
    place = str(import_module(module).__file__)
    if any(problem.place.startswith(f"{place}:") for problem in registry.problems()):
        return None
    if len(here) > 1:
        return registry.Problem(
            id="deferapp.E003",
            place=place,
            message=f"{module} declares {len(here)} functions: {', '.join(sorted(here))}.",
            hint="One function a file: move the others into files named after them.",
        )
    return registry.Problem(
        id="deferapp.E002",
        place=place,
        message=f"{module} does not declare a function {name}.",
        hint=f"Declare it with `{name} = defer({name})` or `@defer`, or begin the file's name with an underscore.",
    )
