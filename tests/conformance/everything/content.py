"""Content the everything server returns: bytes small enough to read, and their wrappers.

Only constants and constructors of content blocks may live here.
"""

import base64
import struct
import zlib
from typing import Final

import mcp_types as types


def _png_chunk(kind: bytes, payload: bytes) -> bytes:
    """One PNG chunk: length, type, payload, CRC (PNG specification, section 5.3)."""
    checksum = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def _red_pixel() -> bytes:
    """A PNG of one red pixel: 8 bits a channel, RGB."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00\xff\x00\x00")
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", rows) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _silent_wav() -> bytes:
    """A WAV file of one silent sample: PCM, mono, 8 kHz, 16 bits."""
    sample = b"\x00\x00"
    layout = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    body += b"data" + struct.pack("<I", len(sample)) + sample
    return b"RIFF" + struct.pack("<I", len(body)) + body


PNG: Final = _red_pixel()
PNG_BASE64: Final = base64.b64encode(PNG).decode("ascii")
WAV_BASE64: Final = base64.b64encode(_silent_wav()).decode("ascii")


def text(value: str) -> types.TextContent:
    """A text block."""
    return types.TextContent(type="text", text=value)


def image() -> types.ImageContent:
    """The red pixel as an image block."""
    return types.ImageContent(type="image", data=PNG_BASE64, mime_type="image/png")


def audio() -> types.AudioContent:
    """The silent sample as an audio block."""
    return types.AudioContent(type="audio", data=WAV_BASE64, mime_type="audio/wav")


def embedded(uri: str, mime_type: str, value: str) -> types.EmbeddedResource:
    """A text resource embedded in a result or a prompt."""
    resource = types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    return types.EmbeddedResource(type="resource", resource=resource)
