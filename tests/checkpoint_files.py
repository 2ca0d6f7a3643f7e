"""Files of checkpoints as a newer, an older or a broken program might write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from safetensors.torch import save_file

if TYPE_CHECKING:
    from pathlib import Path


def rewrite(path: Path, change: Any) -> None:
    """Change the header and the tensors of a file."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["checkpoint"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    change(header, tensors)
    save_file(tensors, path, {"checkpoint": json.dumps(header)})
