"""What holds for every pipeline: exactly one is the default, and one with deals stays."""

from __future__ import annotations

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import Conflict, invalid
from crm.models.opportunity import Opportunity
from crm.models.pipeline import Pipeline
from crm.services import records
from crm.services.stages import deals_in, hold

#: the number of the lock that two new defaults wait for
_DEFAULT_LOCK = 7_204_311_002


@rule(Pipeline)
def one_default(session: Session, pipeline: Pipeline, changed: frozenset[str]) -> None:
    """Whoever becomes the default takes the place of the one before; the default cannot simply cease to be it."""
    if "is_default" not in changed or not inspect(pipeline).attrs.is_default.history.has_changes():
        return
    if not pipeline.is_default:
        if not records.is_new(pipeline):
            raise invalid("isDefault", "make another pipeline the default instead")
        return
    if session.get_bind().dialect.name == "postgresql":  # on SQLite every writer waits for the other anyway
        session.execute(select(func.pg_advisory_xact_lock(_DEFAULT_LOCK)))
    others = select(Pipeline).where(Pipeline.is_default, Pipeline.id != (pipeline.id or 0))
    for other in session.scalars(others.execution_options(populate_existing=True, trash="any", unscoped=True)):
        other.is_default = False


@records.guard_delete(Pipeline)
def keep_used(session: Session, pipeline: Pipeline) -> None:
    """A pipeline with deals stays, and so does the one that new deals start in."""
    hold(session, Pipeline, pipeline.id)
    count = deals_in(session, Opportunity.pipeline_id == pipeline.id)
    if count:
        raise Conflict("Deals in this pipeline, those in the trash included: %(count)s. Move them first", count=count)
    if pipeline.is_default:
        raise Conflict("New deals start in this pipeline; make another one the default first")
