"""The worker and the scheduler: doors like API and panel, opened by a clock or by a row of the job table."""
