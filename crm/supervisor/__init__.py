"""Runs all processes of `crm dev`: in order, restarting what dies, stopping in reverse, leaving no orphan."""

from crm.supervisor.process import ProcessSpec
from crm.supervisor.run import run

__all__ = ["ProcessSpec", "run"]
