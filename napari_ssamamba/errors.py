"""The exceptions that users meet.

Each names the file or the setting, the value found, and what to do next; each has a parent from
the standard library, so that code which knows nothing of this package can catch it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike


class SSAMambaError(Exception):
    """Anything that the user can put right; the message says how."""


class FileFormatError(SSAMambaError, ValueError):
    """A file is not what it claims to be, is damaged, or is of a kind that cannot be read.

    Parameters
    ----------
    path : path-like
        The file.
    found : str
        What was found in it.
    remedy : str
        What the user can do.
    """

    def __init__(self, path: str | PathLike[str], found: str, remedy: str) -> None:
        super().__init__(f"{path}: {found}. {remedy}")
        self.path = path
        self.found = found
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer to an `AmbiguousFileError`.

    Attributes
    ----------
    option : str
        Name of the reader's option that the answer sets: ``"variable"``, ``"layout"`` or
        ``"field"``.
    value : str
        The value that the option takes.
    description : str
        What the user reads, e.g. ``"Y: 198 × 10000 float64"``.
    """

    option: str
    value: str
    description: str


class AmbiguousFileError(FileFormatError):
    """A file can be read in more than one way, and guessing would be wrong half of the time.

    Attributes
    ----------
    choices : tuple of Choice
        The possible answers; pass ``choice.option=choice.value`` to the reader.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        found: str,
        remedy: str,
        choices: Sequence[Choice],
    ) -> None:
        super().__init__(path, found, remedy)
        self.choices = tuple(choices)


class LabelsError(SSAMambaError, ValueError):
    """The labels cannot be trained on or checked against as they are."""


class BandsError(SSAMambaError, ValueError):
    """A cube's bands are not those that are needed: other number, order or wavelengths."""


class OtherBandsError(BandsError):
    """A scene's bands are not those that a model was trained on.

    Parameters
    ----------
    message : str
    can_match : bool
        Whether the scene has a band near each of the model's, see
        `napari_ssamamba.checkpoint.Checkpoint.matched`.
    """

    def __init__(self, message: str, *, can_match: bool) -> None:
        super().__init__(message)
        self.can_match = can_match


class SettingError(SSAMambaError, ValueError):
    """A setting has a value that it cannot have.

    Parameters
    ----------
    name : str
        The setting.
    value : object
        The value found.
    remedy : str
        What it may be.
    """

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"{name} = {value!r}: {remedy}")
        self.name = name
        self.value = value


class DownloadError(SSAMambaError, OSError):
    """A sample scene could not be fetched, or is not the version that is known."""


class ReplacementError(SSAMambaError, OSError):
    """A file may not be replaced.

    Parameters
    ----------
    path : path-like
        The file; what it holds stays.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        super().__init__(
            f"{path}: it may not be replaced; is it open in another program, or write-protected? "
            "It stays as it was. Close it there, or choose another name, and try again."
        )
        self.path = path


class DeviceMemoryError(SSAMambaError, RuntimeError):
    """The device has too little memory for what was asked."""


class RoomError(SSAMambaError, OSError):
    """Neither memory nor disk have room for arrays of a scene's size."""


class TrainingDivergedError(SSAMambaError, ArithmeticError):
    """The loss is no longer a number; the last good weights were kept."""
