"""PIE-RGB-SAR: RGB and SAR tiles of 256 pixels with the lists of its authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from claire.core.classes import PIE_RGB_SAR
from claire.data.listing import index_by_stem
from claire.data.sets.original import Files, OriginalDataset
from claire.data.sets.source import Source


class PieRgbSarDataset(OriginalDataset):
    """4,865 tiles in six classes, all of which are scored; tiles are named as their files.

    `train` and `val` are the authors' own; they report on `val`, as there is no test split.
    """

    name = "pie-rgb-sar"
    title = "PIE-RGB-SAR"
    source = Source(
        about="RGB and SAR (Gaofen-3), tiles of 256 x 256 pixels, 8-bit, six land-cover classes, no coordinates.",
        get=("https://github.com/whu-pzhang/ASANet",),
        licence="The authors state none for the data (the code beside it is Apache-2.0); ask them before any use but "
        "research.",
        cite=(
            (
                "Zhang et al. 2024, ASANet: asymmetric semantic aligning network for RGB and SAR image land cover "
                "classification, ISPRS J. 218, doi:10.1016/j.isprsjprs.2024.09.025, arXiv:2412.02044"
            ),
        ),
        layout=("rgb/NAME.tif", "sar/NAME.tif", "label/NAME.tif, ids 0 ... 5 or colours", "train.txt, val.txt: names"),
        splits="train and val: the authors' lists; they report on val.",
        careful="8-bit pictures: SAR values are neither dB nor comparable between tiles.",
    )
    scheme = PIE_RGB_SAR
    optical_bands = ("red", "green", "blue")
    sar_bands = ("amplitude",)
    optical_unit = sar_unit = "uint8"
    official = ("train", "val")
    blank_sar = True

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has the three folders and a list."""
        return all((root / role).is_dir() for role in ("rgb", "sar", "label")) and (
            (root / "train.txt").is_file() or (root / "val.txt").is_file()
        )

    def _list(self) -> Mapping[str, Files]:
        optical, sar, label = (index_by_stem(self.root / role) for role in ("rgb", "sar", "label"))
        return {
            name: Files(
                (path,),
                (sar.get(name, self.root / "sar" / path.name),),
                label.get(name, self.root / "label" / path.name),
            )
            for name, path in optical.items()
        }

    def _find_split(self, split: str) -> Sequence[str]:
        path = self.root / f"{split}.txt"
        return self._refer((Path(line).stem for line in self._read_list(path)), path)

    def _describe_split(self, split: str) -> str:
        return f"{split}.txt with one name a line"
