"""Small files made in code: one of each kind that matters to uploads and previews."""

from __future__ import annotations

import io
import zipfile

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A red picture of a kind known to Pillow."""
    made = io.BytesIO()
    Image.new("RGB", size, (180, 40, 40)).save(made, kind, **options)
    return made.getvalue()


def archive(*names: str) -> bytes:
    """A ZIP archive with these parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x" * 20)
    return made.getvalue()


def document() -> bytes:
    """What begins as a Word document."""
    return archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")


def pdf(pages: int = 1) -> bytes:
    """A PDF whose pages are coloured rectangles."""
    made = io.BytesIO()
    sheets = [Image.new("RGB", (210, 297), (40, 60, 180)) for _ in range(pages)]
    sheets[0].save(made, "PDF", save_all=True, append_images=sheets[1:])
    return made.getvalue()


def form(name: str, data: bytes, **fields: object) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a multipart form with one file: the name as it stands, where clients would mend it.

    A list is sent as so many fields of that name.
    """
    pairs = [(key, one) for key, value in fields.items() for one in (value if isinstance(value, list) else [value])]
    lines = [_part(f'name="{key}"', str(value).encode()) for key, value in pairs]
    lines.append(_part(f'name="file"; filename="{name}"', data))
    return b"".join([*lines, b"--frontier--\r\n"]), {"content-type": "multipart/form-data; boundary=frontier"}


def _part(disposition: str, data: bytes) -> bytes:
    return b"--frontier\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"
