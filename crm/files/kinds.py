"""What may be stored: a list of endings, and for each how its content begins. Web pages and programs are not on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from crm.errors import invalid
from crm.files.names import ending

#: so much of both ends of a file is looked at; the end of an archive lists what is in it
HEAD = 4096
TAIL = 65_536
NOT_STORED = "Files of this type are not stored; pictures, PDF, office documents, texts, recordings and archives are"
Look = Callable[[bytes, bytes], bool]


class Preview(StrEnum):
    """How a preview is made."""

    PICTURE = "picture"
    PAGE = "page"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: `looks(head, tail)` says whether a content is of it."""

    media_type: str
    endings: tuple[str, ...]
    looks: Look
    preview: Preview | None = None


def kind_of(name: str, head: bytes, tail: bytes) -> Kind:
    """What a file really is; BadInput if that may not be stored, or is not what its name says.

    A picture under the ending of another kind of picture is taken for what it is.
    """
    claimed = [kind for kind in KINDS if ending(name) in kind.endings]
    for kind in claimed:
        if kind.looks(head, tail):
            return kind
    if any(kind.preview is Preview.PICTURE for kind in claimed):
        for kind in _PICTURES:
            if kind.looks(head, tail):
                return kind
    check_ending(name)
    raise invalid("file", "The content of %(name)s is not what its ending says", name=name)


def check_ending(name: str) -> None:
    """BadInput if files with that ending are not stored at all; so much is known before the first byte."""
    if not any(ending(name) in kind.endings for kind in KINDS):
        raise invalid("file", NOT_STORED)


def preview_of(media_type: str) -> Preview | None:
    """How files of a stored media type are previewed, if they are."""
    return next((kind.preview for kind in KINDS if kind.media_type == media_type), None)


def ending_of(media_type: str) -> str:
    """The usual ending of a stored media type: `pdf`; empty for one that is not stored any more."""
    return next((kind.endings[0] for kind in KINDS if kind.media_type == media_type), "")


def endings_of(media_type: str) -> tuple[str, ...]:
    """The endings a file of this media type may be renamed to."""
    kinds = [kind for kind in KINDS if kind.media_type == media_type]
    if any(kind.preview is Preview.PICTURE for kind in kinds):
        kinds = list(_PICTURES)
    return tuple(e for kind in kinds for e in kind.endings)


# ---------------------------------------------------------------------------------------------- how contents begin


def _begins(*marks: bytes, at: int = 0) -> Look:
    return lambda head, _tail: head[at:].startswith(marks)


def _riff(form: bytes) -> Look:
    return lambda head, _tail: head.startswith(b"RIFF") and head[8:12] == form


def _media(*brands: bytes) -> Look:
    """ISO media files say at once which of their kinds they are."""
    return lambda head, _tail: head[4:8] == b"ftyp" and head[8:12].startswith(brands)


def _archive(*parts: bytes) -> Look:
    """A ZIP archive that names one of `parts` at its beginning or in its list of contents."""

    def look(head: bytes, tail: bytes) -> bool:
        return head.startswith(_ZIP) and (not parts or any(part in head or part in tail for part in parts))

    return look


def _pdf(head: bytes, _tail: bytes) -> bool:
    """The mark may stand behind a little rubbish, but not behind the mark of something else."""
    return b"%PDF-" in head[:1024] and (head.startswith(b"%PDF-") or not _foreign(head))


def _text(head: bytes, _tail: bytes) -> bool:
    """No control characters, and the beginning of neither a web page nor a script nor anything else."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return not _PAGE.match(head[2:].replace(b"\0", b""))
    return not _CONTROL.search(head) and not _PAGE.match(head) and not _foreign(head)


def _xml(head: bytes, tail: bytes) -> bool:
    return _text(head, tail) and not _SHOWN_XML.search(head.replace(b"\0", b""))


def _foreign(head: bytes) -> bool:
    return head.startswith((b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"#!", _ZIP, b"\x89PNG", b"GIF8", b"%PDF-"))


_ZIP = b"PK\x03\x04"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_PAGE = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*"
    rb"<(!doctype\s+(html|svg)|html|head|body|svg|script|style|iframe|meta|title|\?php|%|!--)",
    re.IGNORECASE | re.DOTALL,
)
_SHOWN_XML = re.compile(rb"www\.w3\.org/(1999/xhtml|2000/svg|1999/XSL)", re.IGNORECASE)
_OLD_OFFICE = _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

_PICTURES = (
    Kind("image/png", ("png",), _begins(b"\x89PNG\r\n\x1a\n"), Preview.PICTURE),
    Kind("image/jpeg", ("jpg", "jpeg", "jfif"), _begins(b"\xff\xd8\xff"), Preview.PICTURE),
    Kind("image/gif", ("gif",), _begins(b"GIF87a", b"GIF89a"), Preview.PICTURE),
    Kind("image/webp", ("webp",), _riff(b"WEBP"), Preview.PICTURE),
    Kind("image/bmp", ("bmp",), _begins(b"BM"), Preview.PICTURE),
    Kind("image/tiff", ("tif", "tiff"), _begins(b"II*\0", b"MM\0*"), Preview.PICTURE),
)


def _documents() -> Iterator[Kind]:
    yield Kind("application/pdf", ("pdf",), _pdf, Preview.PAGE)
    for name, folder, word in (
        ("docx", b"word/", "wordprocessingml.document"),
        ("xlsx", b"xl/", "spreadsheetml.sheet"),
        ("pptx", b"ppt/", "presentationml.presentation"),
    ):
        yield Kind(_OPEN_XML + word, (name,), _archive(folder))
    for name, word in (("odt", "text"), ("ods", "spreadsheet"), ("odp", "presentation")):
        yield Kind(_OPEN + word, (name,), _archive((_OPEN + word).encode()))
    yield Kind("application/ofd", ("ofd",), _archive(b"OFD.xml"))
    yield Kind("application/msword", ("doc", "wps"), _OLD_OFFICE)
    yield Kind("application/vnd.ms-excel", ("xls", "et"), _OLD_OFFICE)
    yield Kind("application/vnd.ms-powerpoint", ("ppt", "dps"), _OLD_OFFICE)
    yield Kind("application/vnd.ms-outlook", ("msg",), _OLD_OFFICE)
    yield Kind("application/rtf", ("rtf",), _begins(b"{\\rtf"))


def _texts() -> Iterator[Kind]:
    yield Kind("text/plain", ("txt", "md", "log"), _text, Preview.TEXT)
    yield Kind("text/csv", ("csv", "tsv"), _text, Preview.TEXT)
    yield Kind("application/json", ("json",), _text, Preview.TEXT)
    yield Kind("text/xml", ("xml",), _xml, Preview.TEXT)
    yield Kind("text/calendar", ("ics",), _text, Preview.TEXT)
    yield Kind("text/vcard", ("vcf",), _text, Preview.TEXT)
    yield Kind("message/rfc822", ("eml",), lambda head, _tail: not _CONTROL.search(head) and not _foreign(head))


def _recordings_and_archives() -> Iterator[Kind]:
    yield Kind("image/heic", ("heic", "heif"), _media(b"heic", b"heix", b"hevc", b"mif1", b"msf1"))
    yield Kind("audio/mpeg", ("mp3",), _begins(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"))
    yield Kind("audio/wav", ("wav",), _riff(b"WAVE"))
    yield Kind("audio/amr", ("amr",), _begins(b"#!AMR"))
    yield Kind("audio/ogg", ("ogg", "oga", "opus"), _begins(b"OggS"))
    yield Kind("audio/mp4", ("m4a",), _media(b"M4A", b"mp42", b"iso", b"dash"))
    yield Kind(
        "video/mp4", ("mp4", "m4v"), _media(b"isom", b"iso2", b"iso4", b"iso5", b"mp4", b"avc1", b"M4V", b"dash")
    )
    yield Kind("video/quicktime", ("mov",), _media(b"qt"))
    yield Kind("video/webm", ("webm",), _begins(b"\x1a\x45\xdf\xa3"))
    yield Kind("application/zip", ("zip",), _archive())
    yield Kind("application/x-7z-compressed", ("7z",), _begins(b"7z\xbc\xaf\x27\x1c"))
    yield Kind("application/vnd.rar", ("rar",), _begins(b"Rar!\x1a\x07"))


KINDS: tuple[Kind, ...] = (*_PICTURES, *_documents(), *_texts(), *_recordings_and_archives())
ENDINGS: tuple[str, ...] = tuple(sorted({e for kind in KINDS for e in kind.endings}))
