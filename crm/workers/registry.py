"""`@job`: what a kind of job is called, what runs it, and how it may be repeated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from crm.errors import CrmError
from crm.jobs import QUEUES
from crm.models.job import JobEffect

Function = TypeVar("Function", bound=Callable[..., None])
#: a job that takes longer is interrupted
TIME_LIMIT_S = 600.0
#: the same for whole queues: to copy a large installation takes its time
TIME_LIMITS_S: dict[str, float] = {"reports": 4 * 3600.0}


class Permanent(CrmError):
    """No further attempt can help: the job is dead at once, with this sentence."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job; see `job`."""

    name: str
    run: Callable[..., None]
    effect: JobEffect
    queue: str
    attempts: int
    as_system: bool
    own_steps: bool
    arguments: type[BaseModel]


KINDS: dict[str, Kind] = {}


def job(
    name: str,
    *,
    effect: JobEffect = JobEffect.IDEMPOTENT,
    queue: str = "default",
    attempts: int = 10,
    as_system: bool = False,
    own_steps: bool = False,
) -> Callable[[Function], Function]:
    """Declare `handler(session, *, …)`: it runs in one transaction, which also ends the job.

    It has the rights of whoever asked for the job, or the system's with `as_system`.  With `own_steps` it is
    `handler(run, *, …)` instead and opens its own transactions: for work that waits for other servers.
    """
    if queue not in QUEUES:
        raise ValueError(f"{name}: there is no queue '{queue}'")

    def declare(run: Function) -> Function:
        if name in KINDS:
            raise ValueError(f"{name} is declared twice")
        KINDS[name] = Kind(name, run, effect, queue, attempts, as_system, own_steps, _arguments(name, run))
        return run

    return declare


def kind_of(name: str) -> Kind:
    """Raises Permanent if nothing of that name is declared."""
    if name not in KINDS:
        raise Permanent("There is no job of the kind '%(kind)s'", kind=name)
    return KINDS[name]


def arguments(kind: Kind, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as keyword arguments; raises Permanent if it does not fit the handler."""
    try:
        made = kind.arguments.model_validate(dict(payload))
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise Permanent("Wrong arguments for '%(kind)s': %(found)s", kind=kind.name, found=found) from None
    return {name: getattr(made, name) for name in kind.arguments.model_fields}


def _arguments(name: str, run: Callable[..., None]) -> type[BaseModel]:
    """The keyword-only parameters of a handler as a schema."""
    known = inspect.signature(run, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is p.empty else p.default)
        for p in known
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)
