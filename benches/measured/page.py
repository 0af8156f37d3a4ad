"""Tables in pages of the documentation."""

BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def put_into(page, table):
    """Replaces what stands between the page's marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + "\n" + table + "\n" + END + after)
