"""The letters' wording: `config/templates/adjustment_letter.md.j2`, which HR may edit, checked before it is used."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import TemplateError

from flows.errors import ConfigurationError
from flows.review.letters.contents import REQUIRED, Letter
from flows.templates import check_template, escape_markdown, make_environment, require_placeholders

FILE = "adjustment_letter.md.j2"
NAME = "letter"


def load_letter_template(config: Path) -> Callable[[Letter], str]:
    """What words a letter, as Markdown.

    Raises `ConfigurationError` if the template is missing, is not Jinja, names what letters don't have, or leaves out
    what every letter must say; the function that it returns does so if the template cannot cope with a letter.
    """
    folder = config / "templates"
    where = f"{folder.name}/{FILE}"
    path = folder / FILE
    if not path.is_file():
        raise ConfigurationError(f"{where} is not there, so no letter can be worded. Restore it; check --config.")
    environment = make_environment(escape_markdown, folder)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}: not written in UTF-8. Save it as UTF-8.") from None
    used = check_template(text, where, name=NAME, content=Letter)
    require_placeholders(REQUIRED, used, where, NAME)
    template = environment.get_template(FILE)

    def word_letter(letter: Letter) -> str:
        try:
            return template.render(vars(letter))
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            # The message of an error may hold what stands in the letter; its kind does not.
            raise ConfigurationError(
                f"{where}: {type(error).__name__} while wording the letter of worker {letter.staff_id}. "
                "Mend what the template does with its placeholders."
            ) from None

    return word_letter
