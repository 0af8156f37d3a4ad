"""Every case: what is said of k8s/ in its comments and in docs/kubernetes.md, each as a function."""

import inspect

from tests.k8s import commands, running, wiring_cases, workload_cases


def of(module):
    """The cases of a module, in the order in which they are written: what takes nothing and gives nothing."""
    found = [each for _, each in inspect.getmembers(module, inspect.isfunction)
             if each.__module__ == module.__name__ and not inspect.signature(each).parameters
             and not inspect.isgeneratorfunction(each)]
    return sorted(found, key=lambda case: case.__code__.co_firstlineno)


def run(given):
    """Every case that was asked for; the first that fails ends the run."""
    found = [*of(wiring_cases), *of(workload_cases), *commands.CASES]
    wanted = [case for case in found if not given.names or any(name in case.__name__ for name in given.names)]
    for case in wanted:
        print(case.__name__, flush=True)
        case()
    count = len(wanted) + running.run(given)
    print(f"{count} cases hold")
