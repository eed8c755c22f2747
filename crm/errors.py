"""The errors a user may see: each carries its HTTP status and a sentence written for people.

`template` is the English sentence with named placeholders, so that doors can translate it; `str(error)` is the
English sentence filled in.  Nothing here ever holds SQL, a stack trace or a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its JSON name, and a sentence (template and its parameters)."""

    field: str
    template: str
    params: tuple[tuple[str, object], ...] = ()

    @property
    def message(self) -> str:
        return self.template % dict(self.params)


def field_error(field: str, template: str, **params: object) -> FieldError:
    """Name the field in JSON spelling; placeholders of `template` are `%(name)s`."""
    return FieldError(field, template, tuple(params.items()))


class CrmError(Exception):
    """Something a user should read; the subclass says which HTTP status it is."""

    status = 500

    def __init__(self, template: str, **params: object) -> None:
        self.template = template
        self.params = params
        super().__init__(template % params)


class BadInput(CrmError):
    """400: the request cannot be understood or breaks a rule; `errors` names the fields."""

    status = 400

    def __init__(self, template: str, *, errors: Sequence[FieldError] = (), **params: object) -> None:
        super().__init__(template, **params)
        self.errors = tuple(errors)


class Unauthenticated(CrmError):
    """401: no token, a bad token, wrong credentials."""

    status = 401


class Forbidden(CrmError):
    """403: the permission is missing."""

    status = 403


class NotFound(CrmError):
    """404: absent, in the trash, or not yours: the three look alike on purpose."""

    status = 404


class RequestTimeout(CrmError):
    """408: the body came too slowly."""

    status = 408


class Conflict(CrmError):
    """409: the state of the record does not allow it, or a unique value is taken."""

    status = 409


class StaleVersion(CrmError):
    """412: somebody else changed the record first."""

    status = 412


class TooLarge(CrmError):
    """413: body or file over its limit."""

    status = 413


class UnsupportedMedia(CrmError):
    """415: the body is of a type that is not read here."""

    status = 415


class TooManyRequests(CrmError):
    """429: try again after `retry_after_s` seconds."""

    status = 429

    def __init__(self, template: str, *, retry_after_s: int, **params: object) -> None:
        super().__init__(template, **params)
        self.retry_after_s = retry_after_s


class Unavailable(CrmError):
    """503: a server this needs does not answer."""

    status = 503


class NoRoom(Unavailable):
    """507: the disk is full."""

    status = 507


class StartError(CrmError):
    """The process cannot start; the sentence says which setting or declaration to change."""


def invalid(field: str, template: str, **params: object) -> BadInput:
    """One field (JSON name) is wrong: the message is `field: sentence`, and `errors` names it."""
    error = field_error(field, template, **params)
    return BadInput("%(field)s: " + template, errors=(error,), **{"field": field, **params})
