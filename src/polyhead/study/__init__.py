"""The study: many trainings of one recipe, and what they say about what to freeze."""

from polyhead.study.design import Design, Job, jobs
from polyhead.study.run import study
from polyhead.study.summary import Summary, summarize

__all__ = ["Design", "Job", "Summary", "jobs", "study", "summarize"]
