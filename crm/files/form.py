"""A multipart form with files, read piece by piece: files go to drafts, a few short fields stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from crm.errors import BadInput, UnsupportedMedia
from crm.files.draft import Draft
from crm.files.storage import writing

BROKEN = "The form is broken: it is no valid multipart/form-data"


@dataclass(frozen=True, slots=True)
class Room:
    """What a form may hold: so many files, and so many texts with so many bytes each, all of which stay in memory.

    `typed`: people type into it, with several texts of one name before the files; these are read even if the files are
    too large, so that they can be shown again.  All of them together have no more bytes than one may have.
    """

    files: int = 1
    fields: int = 20
    longest: int = 16_384
    typed: bool = False


@dataclass(slots=True)
class Received:
    """One file of a form: its name, and its bytes."""

    name: str
    draft: Draft


class FileForm:
    """Feed it the body, then `finish`; `texts` are (name, value) and `files` in the order they came.

    `open_file(name)` is asked at the head of every file, when the fields before it are known; what it raises ends the
    reading.  Whoever made the form discards it in the end.
    """

    def __init__(self, content_type: str, open_file: Callable[[str], Received], room: Room) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
            raise UnsupportedMedia("The body must be sent as multipart/form-data")
        self.texts: list[tuple[str, str]] = []
        self.files: list[Received] = []
        self._open_file, self._room = open_file, room
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._field, self._text, self._held = "", bytearray(), 0
        self._file: Received | None = None
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finished,
            },
        )

    @property
    def fields(self) -> dict[str, str]:
        """The texts by name; the last one of a name that is repeated."""
        return dict(self.texts)

    def feed(self, data: bytes) -> None:
        """The next piece of the body; raises CrmError."""
        try:
            with writing():
                self._parser.write(data)
        except FormParserError:
            raise BadInput(BROKEN) from None

    def finish(self) -> None:
        """The body is at its end; BadInput if the form is not."""
        if not self._ended:
            raise BadInput(BROKEN)

    def discard(self) -> None:
        """Leave no draft behind."""
        for received in [*self.files, *([self._file] if self._file else [])]:
            received.draft.discard()

    # ------------------------------------------------------------------ what the parser tells

    def _begin(self) -> None:
        self._disposition, self._text, self._file = b"", bytearray(), None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise BadInput(BROKEN)
        self._field = _decoded(options[b"name"])
        if b"filename" not in options:
            if len(self.texts) == self._room.fields or (not self._room.typed and self._field in self.fields):
                raise BadInput(BROKEN)
            return
        if self._field != "file":
            raise BadInput("The file must be sent in the field %(name)s", name="file")
        name = _decoded(options[b"filename"])
        if name or self._room.files == 1:  # a browser sends an empty one where no file was chosen
            self._take(name)

    def _take(self, name: str) -> None:
        if len(self.files) == self._room.files:
            raise BadInput("At most %(most)s files can be sent at once", most=self._room.files)
        self._file = self._open_file(name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.draft.write(data[start:end])
        elif len(self._text) + end - start <= self._room.longest - (self._held if self._room.typed else 0):
            self._text += data[start:end]
        else:
            raise BadInput(BROKEN)

    def _end(self) -> None:
        if self._file is not None:
            self.files.append(self._file)
            self._file = None
        elif self._field != "file":
            self._held += len(self._text)
            self.texts.append((self._field, _decoded(bytes(self._text))))

    def _finished(self) -> None:
        self._ended = True


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadInput("The form holds text that is not valid UTF-8") from None
