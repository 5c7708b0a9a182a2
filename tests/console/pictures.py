"""Pictures compared as an eye compares them: is each thing where it was, and as dark?

Pixel by pixel two machines never agree: fonts are hinted and smoothed differently. Here both
pictures are shrunk to cells, which glyphs fill alike, and cells are compared.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, PngImagePlugin

CELL = 8
"""Pixels of the page along a cell's side: about half a line of text."""
APART = 14
"""Levels of 255 by which a cell's mean must differ to be another one; a line of text makes 40."""
MOST_APART = 0.0005
"""The share of cells that may: eleven of a wide picture, less than one word."""
FONTS = "braid-fonts"


@dataclass(frozen=True)
class Reference:
    """A picture of a page as it should look, in cells, with the mark of the fonts it is set in."""

    path: Path

    def save(self, screenshot: Path, fonts: str) -> None:
        """Take a screenshot for what is right from now on."""
        notes = PngImagePlugin.PngInfo()
        notes.add_text(FONTS, fonts)
        _cells(screenshot).save(self.path, optimize=True, pnginfo=notes)

    def fonts(self) -> str:
        """Return the mark of the fonts it was taken with."""
        with Image.open(self.path) as picture:
            return str(picture.info.get(FONTS, ""))

    def differs(self, screenshot: Path, shown: Path) -> str | None:
        """Tell in what a screenshot differs, or None; cells that do are marked in ``shown``."""
        now = _cells(screenshot)
        with Image.open(self.path) as picture:
            before = picture.convert("RGB")
        if now.size != before.size:
            return f"its size is {now.size} cells, the reference's {before.size}"
        largest = ImageChops.difference(before, now).split()
        apart = ImageChops.lighter(ImageChops.lighter(largest[0], largest[1]), largest[2])
        mask = apart.point([255 if level > APART else 0 for level in range(256)])
        share = mask.histogram()[255] / (mask.width * mask.height)
        if share <= MOST_APART:
            return None
        x0, y0, x1, y1 = (CELL * edge for edge in mask.getbbox() or (0, 0, 0, 0))
        marked = Image.composite(Image.new("RGB", now.size, "red"), now, mask)
        marked.resize((now.width * 4, now.height * 4), Image.Resampling.NEAREST).save(shown)
        return f"{share:.1%} of it differ, between ({x0}, {y0}) and ({x1}, {y1}); see {shown.name}"


def _cells(screenshot: Path) -> Image.Image:
    with Image.open(screenshot) as picture:
        return picture.convert("RGB").reduce(CELL)
