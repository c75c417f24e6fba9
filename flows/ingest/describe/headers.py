"""Headers of tables, as mappings name them and as files hold them."""


def tidy_header(text: object) -> str:
    """A header on one line: spaces and line breaks beside a Chinese character go, others become one space."""
    words = str(text).split()
    tidy = "".join(words[:1])
    for word in words[1:]:
        tidy += word if not (tidy[-1].isascii() and word[0].isascii()) else f" {word}"
    return tidy
