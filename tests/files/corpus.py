"""Files that pretend: polyglots, wrong endings, pages and programs in disguise; made in code, with their fate.

`CASES` are (name, content, media type); an empty media type means that it is refused.
"""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

from tests import samples

HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PNG, JPEG, GIF, PDF = samples.picture(), samples.picture("JPEG"), samples.picture("GIF"), samples.pdf()
ZIP, DOCX = samples.archive("a.txt"), samples.document()
EXE, ELF = b"MZ\x90\0" + bytes(200), b"\x7fELF\x02\x01\x01" + bytes(200)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PNG_TYPE, JPEG_TYPE, TEXT = "image/png", "image/jpeg", "text/plain"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def png_with_text() -> bytes:
    """A picture whose comment is a script."""
    told, made = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Comment", "<script>alert(1)</script>")
    Image.new("RGB", (8, 8)).save(made, "PNG", pnginfo=told)
    return made.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A picture that says it is that large, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(3000))) + chunk(b"IEND", b"")
    )


CASES: list[tuple[str, bytes, str]] = [
    # what it says it is
    ("a.png", PNG, PNG_TYPE),
    ("a.PNG", PNG, PNG_TYPE),
    ("a.jpeg", JPEG, JPEG_TYPE),
    ("a.gif", GIF, "image/gif"),
    ("a.webp", samples.picture("WEBP"), "image/webp"),
    ("a.bmp", samples.picture("BMP"), "image/bmp"),
    ("a.tiff", samples.picture("TIFF"), "image/tiff"),
    ("a.pdf", PDF, "application/pdf"),
    ("a.docx", DOCX, WORD),
    ("a.zip", ZIP, "application/zip"),
    ("a.doc", OLE, "application/msword"),
    ("a.txt", "报价单".encode(), TEXT),
    ("a.txt", "报价单".encode("gb18030"), TEXT),
    ("a.txt", "报价单".encode("utf-16"), TEXT),
    ("a.txt", b"f\xfcr alle", TEXT),
    ("a.csv", b"a,b\n1,=1+1\n", "text/csv"),
    ("a.json", b'{"html": "<b>"}', "application/json"),
    ("a.xml", b"<?xml version='1.0'?><invoice/>", "text/xml"),
    ("a.md", b"# Title\n\n<b>bold</b>", TEXT),
    ("a.eml", b"From: a@b.example\r\nSubject: x\r\n\r\n<html>", "message/rfc822"),
    # pictures under each other's names
    ("a.png", JPEG, JPEG_TYPE),
    ("a.jpg", PNG, PNG_TYPE),
    ("a.gif", samples.picture("WEBP"), "image/webp"),
    # two in one: what it begins as counts, and is never shown by a browser as anything else
    ("a.png", PNG + HTML, PNG_TYPE),
    ("a.png", PNG + ZIP, PNG_TYPE),
    ("a.png", png_with_text(), PNG_TYPE),
    ("a.jpg", JPEG + b"<?php system($_GET[0]); ?>", JPEG_TYPE),
    ("a.gif", b"GIF89a/*" + GIF[8:] + b"*/=1;alert(1)", "image/gif"),
    ("a.bmp", b"BM=1;alert(1)//", "image/bmp"),
    ("a.pdf", PDF + ZIP, "application/pdf"),
    ("a.pdf", b"\n\n%PDF-1.4 rubbish first", "application/pdf"),
    ("a.docx", DOCX + EXE, WORD),
    ("a.zip", ZIP + HTML, "application/zip"),
    ("a.txt", b"plain first " + HTML, TEXT),
    # pretenders
    ("a.png", HTML, ""),
    ("a.png", SVG, ""),
    ("a.png", PDF, ""),
    ("a.jpg", b"\xff\xd8", ""),
    ("a.jpg", EXE, ""),
    ("a.pdf", PNG, ""),
    ("a.pdf", HTML, ""),
    ("a.pdf", EXE + PDF, ""),
    ("a.pdf", ZIP + PDF, ""),
    ("a.pdf", b"GIF89a %PDF-", ""),
    ("a.docx", ZIP, ""),
    ("a.docx", OLE, ""),
    ("a.docx", PDF, ""),
    ("a.xlsx", DOCX, ""),
    ("a.doc", DOCX, ""),
    ("a.doc", HTML, ""),
    ("a.xls", HTML, ""),
    ("a.zip", EXE, ""),
    ("a.txt", HTML, ""),
    ("a.txt", b"\xef\xbb\xbf \n" + HTML, ""),
    ("a.txt", b"<!-- hello --><!DOCTYPE html><p>", ""),
    ("a.txt", HTML.decode().encode("utf-16"), ""),
    ("a.txt", b"#!/bin/sh\nrm -rf /", ""),
    ("a.txt", b"<?php phpinfo(); ?>", ""),
    ("a.txt", EXE, ""),
    ("a.txt", ELF, ""),
    ("a.txt", ZIP, ""),
    ("a.txt", b"a\0b", ""),
    ("a.csv", SVG, ""),
    ("a.json", HTML, ""),
    ("a.xml", SVG, ""),
    ("a.xml", b"<?xml version='1.0'?>\n" + SVG, ""),
    ("a.xml", b'<x:html xmlns:x="http://www.w3.org/1999/xhtml"><x:script/></x:html>', ""),
    ("a.xml", b'<?xml-stylesheet href="x"?><s xmlns="http://www.w3.org/1999/XSL/Transform"/>', ""),
    ("a.mp4", PNG, ""),
    ("a.wav", samples.picture("WEBP"), ""),
    # endings that are not stored, whatever is in them
    *(
        (f"a.{ending}", PNG, "")
        for ending in ("html", "htm", "xhtml", "svg", "js", "mjs", "exe", "dll", "sh", "bat", "ps1")
    ),
    *(
        (f"a.{ending}", PNG, "")
        for ending in ("jar", "apk", "lnk", "scr", "com", "vbs", "hta", "docm", "xlsm", "php", "swf")
    ),
    ("a.png.exe", PNG, ""),
    ("a.png ", PNG, PNG_TYPE),
    ("a.png.", PNG, PNG_TYPE),
    ("png", PNG, ""),
    (".png", PNG, PNG_TYPE),
    ("a\u202egnp.exe", PNG, ""),
    ("a.exe\u202e.png", PNG, PNG_TYPE),
]
