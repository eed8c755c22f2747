"""`crm web`, `crm worker` and `crm scheduler`: each runs until it is told to stop."""

from __future__ import annotations

from pathlib import Path

from crm.settings import Settings


def serve(settings: Settings, *, reload: bool, workers: int) -> None:
    """The ASGI application under uvicorn; our own logs say what it served."""
    import uvicorn

    uvicorn.run(
        "crm.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",  # with httptools a quarter of the CPU of the pure Python ones
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        reload=reload,
        reload_dirs=[str(Path(__file__).parents[1])] if reload else None,
        workers=None if reload else workers,
    )


def work(settings: Settings) -> None:
    from crm import logs
    from crm.workers.main import run_worker

    logs.configure(settings)
    run_worker(settings)


def schedule(settings: Settings) -> None:
    from crm import logs
    from crm.workers.schedule import run_scheduler

    logs.configure(settings)
    run_scheduler(settings)
