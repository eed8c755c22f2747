"""The public data set of a B2B pipeline (data.world, `sparklesquad/crm-dataset`), read from where it lies.

Four CSV files; nothing of them is kept in this project.  Revenues are in millions of US dollars.  Loading is
repeatable: what is there already, by its number in the data set, is left as it is.
"""

from seeds.dataset.load import load
from seeds.dataset.report import Problem, Report

__all__ = ["Problem", "Report", "load"]
