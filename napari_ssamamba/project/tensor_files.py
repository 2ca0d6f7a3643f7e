"""Files of tensors that run no code when they are read: safetensors, with a header of ours."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.project.headers import read_header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from os import PathLike

    from numpy.typing import NDArray
    from torch import Tensor

Header = TypeVar("Header", bound=BaseModel)


def tensor_bytes(tensors: dict[str, Tensor], kind: str, header: BaseModel) -> bytes:
    """Return the content of a file of tensors.

    Parameters
    ----------
    tensors : dict of Tensor
        Contiguous.
    kind : str
        What is in the file, e.g. ``"checkpoint"``: the header's name in its metadata.
    header : BaseModel
    """
    from safetensors.torch import save

    return save(tensors, {kind: header.model_dump_json()})


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; what stood there stays until the new one is complete."""
    with written_whole(path.parent) as folder:
        (folder / path.name).write_bytes(content)


def read_tensors(
    path: str | PathLike[str], kind: str, model: type[Header], version: int, remedy: str
) -> tuple[Header, dict[str, Tensor]]:
    """Read a file of tensors.

    Parameters
    ----------
    path : path-like
    kind : str
        See `tensor_bytes`.
    model, version, remedy
        See `read_header`.

    Raises
    ------
    FileFormatError
        Where there is no such file, or it is damaged, is something else, or was written by a newer
        version.
    """
    with _opened(path, kind, remedy, "pt") as file:
        header = _header(path, file, kind, model, version, remedy)
        # copies: the file's own would change with it, and Windows would not let it be replaced
        return header, {name: file.get_tensor(name).clone() for name in file.keys()}


def read_arrays(
    path: str | PathLike[str], kind: str, names: Collection[str], remedy: str
) -> dict[str, NDArray[Any]]:
    """Read some tensors of a file, and nothing else of it.

    Parameters
    ----------
    path, kind, remedy
        See `read_tensors`.
    names : collection of str

    Raises
    ------
    FileFormatError
        As `read_tensors`, and where one is missing.
    """
    with _opened(path, kind, remedy, "np") as file:
        return {name: file.get_tensor(name).copy() for name in names}


def read_part(path: str | PathLike[str], kind: str, prefix: str, remedy: str) -> dict[str, Tensor]:
    """Read the tensors whose names begin in one way, named without that; errors as `read_tensors`.

    Parameters
    ----------
    path, kind, remedy
        See `read_tensors`.
    prefix : str
    """
    with _opened(path, kind, remedy, "pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]
        return {name.removeprefix(prefix): file.get_tensor(name).clone() for name in names}


def read_tensor_header(
    path: str | PathLike[str], kind: str, model: type[Header], version: int, remedy: str
) -> Header:
    """Read what a file of tensors says of itself; parameters and errors as `read_tensors`."""
    with _opened(path, kind, remedy, "np") as file:
        return _header(path, file, kind, model, version, remedy)


@contextmanager
def _opened(path: str | PathLike[str], kind: str, remedy: str, framework: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileFormatError(path, "there is no such file", "Check the name and the folder.")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except SafetensorError as error:
        raise FileFormatError(path, f"damaged or not a {kind} ({error})", remedy) from error


def _header(
    path: str | PathLike[str],
    file: Any,
    kind: str,
    model: type[Header],
    version: int,
    remedy: str,
) -> Header:
    metadata = file.metadata() or {}
    if kind not in metadata:
        raise FileFormatError(
            path, f"not a {kind} of this program", "Choose a file written by training."
        )
    return read_header(path, metadata[kind], model, version, remedy)
