"""Take the pictures of the documents, `docs/pictures/`, from a demo's home: `make pictures`.

It needs Chromium, LibreOffice, Poppler's pdftoppm and pdftotext, and a font with Chinese. Columns are found by their
headings, so a changed layout moves crops and marks with it.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps
from python_calamine import CalamineWorkbook

from flows.review.intake.column_writing import ColumnWriter
from flows.review.intake.parts import find_sheet_part, survey_sheet

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "pictures"
MONTH = "2024-03"
TO_DECIDE = "待决定"
PROGRAMS = ("chromium", "soffice", "pdftoppm", "pdftotext")

COLOURS = 128
POINTS_AN_INCH = 72
MARGIN_POINTS = 3
DISC_POINTS = 4.5
BORDER = 6
FOOTER_FROM = 0.9
NUMBER = re.compile(r"KF\d{6}")
"""A worker's number, which stands once in each row."""
DARK_TO = 160
"""The lightest grey of a table's header; the lines between its cells are lighter."""
MARK = (200, 30, 30)
PAPER = (255, 255, 255)

FILLED: Sequence[tuple[str, str]] = (
    ("同意", "已核对考核结果，同意"),
    ("退回", "请核对证书"),
    ("同意", ""),
    ("", ""),
    ("同意", ""),
    ("同意", ""),
    ("暂缓", "等待学历认证"),
)
"""What HR writes into the first rows; the third lacks the reason that its row asks for."""


@dataclass(frozen=True)
class Word:
    """A word of a PDF's page and where it stands, in points."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / "var", help="the home of a demo of the small city")
    home: Path = parser.parse_args().home.resolve()
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        sys.exit(f"{', '.join(missing)}: not on the PATH. Install Chromium, LibreOffice and Poppler.")
    if not (home / "sandbox").is_dir():
        sys.exit(f"{home}: not the home of a demo. Run `make demo`, or name one with --home.")
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        take_all(home, Path(folder))


def take_all(home: Path, folder: Path) -> None:
    """Every picture, made in `folder` and saved under `TARGET`."""
    report = home / "outputs" / MONTH / "report.html"
    save(photograph(report, folder, width=1000, height=880), "report")

    for template, name in (("star_card", "message-card"), ("district_ranking", "message-ranking")):
        mail = folder / f"{name}.html"
        mail.write_text(
            run_fivestar(home, "notify", "preview", template, "--month", MONTH, "--html"), encoding="utf-8"
        )
        save(trim(photograph(mail, folder, width=720, height=1000)), name)

    empty, filled = folder / "empty.xlsx", folder / "filled.xlsx"
    run_fivestar(home, "review", "export", str(empty), "--month", MONTH)
    fill_in(empty, filled)

    summary = Page.find(print_pdf(empty, folder), ("办理进度", "调整建议"))
    whole = summary.draw(110)
    save(trim(whole.crop((0, 0, whole.width, round(whole.height * FOOTER_FROM)))), "workbook-summary")
    everybody = Page.find(print_pdf(empty, folder), ("全部人员", "员工编号"))
    save(everybody.crop(("员工编号", "理由"), rows=29, dpi=190), "workbook-everybody")
    sheet = Page.find(print_pdf(filled, folder), ("员工编号", "决定"))
    save(sheet.crop(("员工编号", "社区"), rows=7, dpi=250, marks=("决定", "意见")), "workbook-decide")
    save(sheet.crop(("现等级", "月差额（元）"), rows=7, dpi=190, marks=("须人工核查", "理由")), "workbook-reasons")


def run_fivestar(home: Path, *arguments: str) -> str:
    """What the command writes to stdout."""
    command = [str(Path(sys.executable).with_name("fivestar")), *arguments]
    folders = ["--home", str(home), "--config", str(home / "sandbox" / "config")]
    done = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"fivestar {' '.join(arguments[:2])} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def photograph(page: Path, folder: Path, *, width: int, height: int) -> Image.Image:
    """The top of a page as a browser shows it."""
    target = folder / f"{page.stem}.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    command = ["chromium", *flags, f"--user-data-dir={folder / 'browser'}", f"--screenshot={target}", page.as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    return Image.open(target).convert("RGB")


def fill_in(source: Path, target: Path) -> None:
    """A copy of the workbook with `FILLED` in the columns 决定 and 意见 of its first rows."""
    header = CalamineWorkbook.from_path(source).get_sheet_by_name(TO_DECIDE).to_python()[0]
    content = source.read_bytes()
    for place, title in enumerate(("决定", "意见")):
        part = find_sheet_part(source.name, content, TO_DECIDE)
        writer = ColumnWriter(
            source.name,
            content,
            part,
            survey_sheet(source.name, content, part),
            header_row=1,
            column=header.index(title),
            title=title,
        )
        changed = io.BytesIO()
        writer.write(changed, {number: said[place] for number, said in enumerate(FILLED, start=2) if said[place]})
        content = changed.getvalue()
    target.write_bytes(content)


def print_pdf(workbook: Path, folder: Path) -> Path:
    """The workbook as LibreOffice prints it."""
    target = folder / f"{workbook.stem}.pdf"
    if not target.exists():
        profile = f"-env:UserInstallation={(folder / 'office').as_uri()}"
        command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(workbook)]
        subprocess.run(command, capture_output=True, check=True, timeout=300)
    return target


@dataclass(frozen=True)
class Page:
    """One page of a PDF, with its words."""

    file: Path
    number: int
    words: Sequence[Word]

    @classmethod
    def find(cls, file: Path, headings: Iterable[str]) -> "Page":
        """The first page that has all these words."""
        told = subprocess.run(["pdftotext", "-bbox", str(file), "-"], capture_output=True, text=True, check=True)
        for number, text in enumerate(told.stdout.split("<page ")[1:], start=1):
            words = read_words(text)
            named = "".join(word.text for word in words)
            if all(heading in named for heading in headings):
                return cls(file, number, words)
        sys.exit(f"{file.name}: no page shows {', '.join(headings)}. Adapt docs/take_pictures.py.")

    def find_word(self, text: str) -> Word:
        """The first word that reads so, from the top."""
        return min((word for word in self.words if word.text == text), key=lambda word: (word.top, word.left))

    def crop(self, columns: tuple[str, str], *, rows: int, dpi: int, marks: Sequence[str] = ()) -> Image.Image:
        """The first rows of the page's table from one heading to another, with some headings numbered."""
        image = self.draw(dpi)
        scale = dpi / POINTS_AN_INCH
        first, last = (self.find_word(heading) for heading in columns)
        edges = find_edges(image, round((first.bottom + MARGIN_POINTS) * scale))
        left = max(edge for edge in edges if edge <= first.left * scale)
        right = min(edge for edge in edges if edge >= last.right * scale)
        rows_at = sorted((word.top + word.bottom) / 2 for word in self.words if NUMBER.fullmatch(word.text))
        bottom = round((rows_at[rows - 1] + rows_at[rows]) / 2 * scale)
        header_top = round((first.top - 1) * scale)
        image.paste(PAPER, (0, 0, image.width, header_top))
        self._mark(image, marks, scale)
        top = header_top - round((2 * DISC_POINTS + MARGIN_POINTS) * scale if marks else 0)
        return ImageOps.expand(image.crop((left, top, right, bottom)), BORDER, PAPER)

    def draw(self, dpi: int) -> Image.Image:
        """The whole page."""
        command = ["pdftoppm", "-r", str(dpi), "-f", str(self.number), "-l", str(self.number), "-png", str(self.file)]
        drawn = subprocess.run(command, capture_output=True, check=True)
        return Image.open(io.BytesIO(drawn.stdout)).convert("RGB")

    def _mark(self, image: Image.Image, headings: Sequence[str], scale: float) -> None:
        """A numbered disc above each heading."""
        pen, radius = ImageDraw.Draw(image), DISC_POINTS * scale
        font = ImageFont.load_default(size=7 * scale)
        for number, heading in enumerate(headings, start=1):
            word = self.find_word(heading)
            x, y = (word.left + word.right) / 2 * scale, (word.top - DISC_POINTS - MARGIN_POINTS) * scale
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=MARK)
            pen.text((x, y), str(number), fill=PAPER, font=font, anchor="mm")


def read_words(page: str) -> list[Word]:
    """The words of one page of `pdftotext -bbox`."""
    found = re.findall(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', page)
    return [Word(unescape(text), *map(float, box)) for *box, text in found]


def find_edges(image: Image.Image, y: int) -> list[int]:
    """Where along a line of the table's dark header its cells begin or end."""
    strip = image.convert("L").crop((0, y, image.width, y + 1))
    lights = [light > DARK_TO for light in strip.tobytes()]
    return [x for x in range(1, image.width) if lights[x] != lights[x - 1]]


def trim(image: Image.Image) -> Image.Image:
    """The image without its even margin, but for a little."""
    corner = image.getpixel((image.width - 1, image.height - 1))
    box = ImageChops.difference(image, Image.new("RGB", image.size, corner)).getbbox()  # type: ignore[arg-type]
    if box is None:
        return image
    return ImageOps.expand(image.crop(box), 2 * BORDER, corner)  # type: ignore[arg-type]


def save(image: Image.Image, name: str) -> None:
    """The picture in few colours, without any metadata."""
    target = TARGET / f"{name}.png"
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target.relative_to(ROOT)}: {image.width} × {image.height}, {target.stat().st_size // 1000} KB")  # noqa: T201


if __name__ == "__main__":
    main()
