"""`.env.example` shows every setting, what it is for and its default, and nothing else."""

from __future__ import annotations

from pathlib import Path

from crm.settings import Settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def described() -> str:
    """What the file should hold below its first paragraph."""
    parts = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        parts.append(f"# {field.description}\n#{name.upper()}={default}\n")
    return "\n".join(parts)


def test_the_example_shows_each_setting_with_its_default() -> None:
    assert EXAMPLE.read_text().partition("\n\n")[2] == described()


def test_the_example_can_be_taken_as_it_is(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    lines = EXAMPLE.read_text().splitlines()
    copy.write_text("\n".join(line[1:] for line in lines if line[:1] == "#" and line[1:2].isupper()))
    assert Settings(_env_file=copy) == Settings(_env_file=None)
