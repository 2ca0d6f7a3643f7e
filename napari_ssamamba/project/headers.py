"""What a file of ours says of itself: JSON of a known version and known names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from os import PathLike

Header = TypeVar("Header", bound=BaseModel)


def read_header(
    path: str | PathLike[str], text: str, model: type[Header], version: int, remedy: str
) -> Header:
    """Read a header; its version first, since a newer one may have other fields.

    Parameters
    ----------
    path : path-like
        The file, for errors.
    text : str
        JSON.
    model : type of BaseModel
    version : int
        The newest that is known.
    remedy : str
        What to do about a damaged file, for errors.

    Raises
    ------
    FileFormatError
        Where it is damaged, or was written by a newer version.
    """
    try:
        raw: Any = json.loads(text)
    except ValueError as error:
        raise FileFormatError(path, f"its header is damaged ({error})", remedy) from error
    found = raw.get("version") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > version:
        raise FileFormatError(
            path,
            f"written in format {found}, this program knows up to {version}",
            "Install a newer napari-ssamamba.",
        )
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileFormatError(
            path, f"its header is damaged ({place}: {first['msg']})", remedy
        ) from error
