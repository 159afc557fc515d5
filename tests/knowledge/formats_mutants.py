"""The guards of reading and cutting documents, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_FORMATS = "charter/knowledge/formats"
_HOSTILE = "tests/knowledge/test_formats_hostile.py"
_OFFICE = "tests/knowledge/test_formats_office.py"
_FIELDS = "tests/knowledge/test_formats_fields.py"
_SPLIT = "tests/knowledge/test_formats_split.py"

FORMATS = (
    Mutant(
        "entities of Office files not looked for",
        f"{_FORMATS}/package.py",
        'raise Unreadable(f"its part {part.filename[:80]} declares XML entities, which Office never writes")',
        "return",
        (f"{_HOSTILE}::test_a_bad_file_ends_with_one_reason",),
    ),
    Mutant(
        "packages unpacked whatever their size",
        f"{_FORMATS}/package.py",
        "if len(parts) > _MOST_PARTS or sum(sizes) > _LARGEST:",
        "if False:",
        (f"{_HOSTILE}::test_a_bad_file_ends_with_one_reason",),
    ),
    Mutant(
        "text of packages unpacked whatever its size",
        f"{_FORMATS}/package.py",
        "if max(text, default=0) > _LARGEST_PART:",
        "if False:",
        (f"{_HOSTILE}::test_a_bad_file_ends_with_one_reason",),
    ),
    Mutant(
        "no memory limit for strangers' files",
        f"{_FORMATS}/__main__.py",
        "    _bound_memory(megabytes)\n    # A",
        "    # A",
        (f"{_HOSTILE}::test_whatever_a_library_were_made_to_do_the_reader_may_not",),
    ),
    Mutant(
        "the reader of strangers' files may call and write",
        f"{_FORMATS}/__main__.py",
        "sys.addaudithook(_forbid)",
        "pass",
        (f"{_HOSTILE}::test_whatever_a_library_were_made_to_do_the_reader_may_not",),
    ),
    Mutant(
        "the reader of strangers' files is given the host's environment",
        f"{_FORMATS}/chamber.py",
        " if name.upper() in _NEEDED",
        "",
        (f"{_HOSTILE}::test_the_reader_is_given_no_secret_of_the_host",),
    ),
    Mutant(
        "a dead reader not replaced",
        f"{_FORMATS}/chamber.py",
        " or (self._ask(suffix, content) if again else None)",
        "",
        (f"{_HOSTILE}::test_a_reader_that_dies_is_replaced",),
    ),
    Mutant(
        "hidden sheets read",
        f"{_FORMATS}/xlsx.py",
        'if sheet.sheet_state != "visible":',
        "if False:",
        (_OFFICE,),
    ),
    Mutant(
        "hidden columns read",
        f"{_FORMATS}/xlsx.py",
        " and at not in unseen.columns",
        "",
        (_OFFICE,),
    ),
    Mutant(
        "hidden slides read",
        f"{_FORMATS}/pptx.py",
        'if slide.element.get("show") in ("0", "false"):',
        "if False:",
        (_OFFICE,),
    ),
    Mutant(
        "hidden words of Word read",
        f"{_FORMATS}/docx.py",
        "parent.remove(run)",
        "pass",
        (_OFFICE,),
    ),
    Mutant(
        "hidden parts of pages read",
        f"{_FORMATS}/html.py",
        " *soup.find_all(_is_hidden),",
        "",
        ("tests/knowledge/test_formats_text.py",),
    ),
    Mutant(
        "front matter without an end left to the collection's readers",
        f"{_FORMATS}/markdown.py",
        'if not front and text.startswith("---"):',
        "if False:",
        (_FIELDS,),
    ),
    Mutant(
        "a misspelt field left to the collection's readers",
        "charter/knowledge/fields.py",
        "    for key in said:\n        _check_spelling(key, where)\n",
        "",
        (_FIELDS,),
    ),
    Mutant(
        "an empty field left to the collection's readers",
        "charter/knowledge/fields.py",
        "return {str(key): value for key, value in said.items()}",
        "return {str(key): value for key, value in said.items() if value}",
        (_FIELDS,),
    ),
    Mutant(
        "a collection's fields no part of the digest",
        "charter/knowledge/sources/folder.py",
        "for part in (content.sidecar, content.common))",
        "for part in (content.sidecar,))",
        (_FIELDS,),
    ),
    Mutant(
        "rows, lists and code cut anywhere",
        "charter/knowledge/split.py",
        "if end - start <= most + 1:",
        "if False:",
        (_SPLIT,),
    ),
    Mutant(
        "later pieces of a table without their header",
        "charter/knowledge/split.py",
        "_under(heading, places.header(low))",
        "heading",
        (_SPLIT,),
    ),
    Mutant(
        "later parts of a table without their header",
        f"{_FORMATS}/tables.py",
        "lines, first, size = [again], number, len(again)",
        "lines, first, size = [], number, 0",
        (_SPLIT,),
    ),
)
