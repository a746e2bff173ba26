"""What a Content-Type says."""

from __future__ import annotations

from email.message import Message

__all__ = ["boundary_of", "media_type", "parameter_of"]


def media_type(content_type: str) -> str:
    """Return the media type in lower case, without parameters; empty if there is none.

    Examples
    --------
    >>> media_type('Multipart/Related; type="application/dicom"; boundary=b')
    'multipart/related'
    """
    return _parsed(content_type).get_content_type() if "/" in content_type else ""


def boundary_of(content_type: str) -> str | None:
    """Return the boundary, however it is written; `None` if there is none.

    Examples
    --------
    >>> boundary_of('multipart/related; type="application/dicom"; boundary="a b;c"')
    'a b;c'
    """
    return (_parsed(content_type).get_boundary() or "").strip() or None


def parameter_of(content_type: str, name: str) -> str:
    """Return a parameter, without quotes; empty if there is none.

    Examples
    --------
    >>> parameter_of('multipart/related; start="<root>"; boundary=b', "start")
    '<root>'
    """
    value = _parsed(content_type).get_param(name, "")
    return value if isinstance(value, str) else ""


def _parsed(content_type: str) -> Message:
    message = Message()
    message["Content-Type"] = content_type
    return message
