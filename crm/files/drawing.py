"""Run as a program of its own: draws a small picture of a picture or of the first page of a PDF, within hard limits.

`drawing.py picture|page SOURCE TARGET`; status 0 if it did.  What it opens may be made to break it, so it imports
nothing of ours, holds no secret, and may neither grow nor stay nor write much.
"""

from __future__ import annotations

import resource
import sys
from typing import Any

#: longest edge of a preview, in pixels
EDGE = 480
#: decoded pictures take four bytes a pixel
MOST_PIXELS = 36_000_000
MEMORY = 512 * 2**20
CPU_S = 15
LARGEST_PREVIEW = 2 * 2**20


def main(how: str, source: str, target: str) -> None:
    _limit()
    picture = _page(source) if how == "page" else _picture(source)
    picture.thumbnail((EDGE, EDGE))
    # written anew from the pixels alone: no place, camera, thumbnail or comment comes along
    picture.save(target, "WEBP", quality=80, method=4, exif=b"", icc_profile=b"", xmp=b"")


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, LARGEST_PREVIEW),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _picture(source: str) -> Any:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # our own limit stands below, after JPEG has been told to decode smaller
    with Image.open(source, formats=("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")) as found:
        found.draft("RGB", (EDGE, EDGE))
        if found.width * found.height > MOST_PIXELS:
            raise SystemExit("too many pixels")
        plain = "RGBA" if found.has_transparency_data else "RGB"
        small: Any = found if found.mode in ("RGB", "RGBA", "L") else found.convert(plain)
        small.thumbnail((EDGE, EDGE))
        return ImageOps.exif_transpose(small).convert(plain)


def _page(source: str) -> Any:
    import pypdfium2  # type: ignore[import-untyped]

    document = pypdfium2.PdfDocument(source)
    page = document[0]
    scale = EDGE / max(page.get_width(), page.get_height(), 1)
    return page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")


if __name__ == "__main__":
    main(*sys.argv[1:])
