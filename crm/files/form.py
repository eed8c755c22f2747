"""A multipart form with files, read piece by piece: files go to drafts, a few short fields stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from crm.errors import BadInput, UnsupportedMedia
from crm.files.draft import Draft
from crm.files.storage import writing

_MOST_FIELDS = 20
_LONGEST_FIELD = 16_384
BROKEN = "The form is broken: it is no valid multipart/form-data"


@dataclass(slots=True)
class Received:
    """One file of a form: its name, and its bytes."""

    name: str
    draft: Draft


class FileForm:
    """Feed it the body, then `finish`; `fields` are texts, `files` in the order they came.

    `open_file(name)` is asked at the head of every file, when the fields before it are known; what it raises ends the
    reading.  Whoever made the form discards it in the end.
    """

    def __init__(self, content_type: str, open_file: Callable[[str], Received], *, most_files: int = 1) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
            raise UnsupportedMedia("The body must be sent as multipart/form-data")
        self.fields: dict[str, str] = {}
        self.files: list[Received] = []
        self._open_file, self._most_files = open_file, most_files
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._field, self._text = "", bytearray()
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
            if len(self.fields) == _MOST_FIELDS or self._field in self.fields:
                raise BadInput(BROKEN)
            return
        if self._field != "file":
            raise BadInput("The file must be sent in the field %(name)s", name="file")
        name = _decoded(options[b"filename"])
        if name or self._most_files == 1:  # a browser sends an empty one where no file was chosen
            self._take(name)

    def _take(self, name: str) -> None:
        if len(self.files) == self._most_files:
            raise BadInput("At most %(most)s files can be sent at once", most=self._most_files)
        self._file = self._open_file(name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.draft.write(data[start:end])
        elif len(self._text) + end - start <= _LONGEST_FIELD:
            self._text += data[start:end]
        else:
            raise BadInput(BROKEN)

    def _end(self) -> None:
        if self._file is not None:
            self.files.append(self._file)
            self._file = None
        elif self._field != "file":
            self.fields[self._field] = _decoded(bytes(self._text))

    def _finished(self) -> None:
        self._ended = True


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadInput("The form holds text that is not valid UTF-8") from None
