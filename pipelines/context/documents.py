"""Sessions as documents, masked to the privacy level of the client."""

from typing import Final

from models.errors import ConfigurationError
from pipelines.context.questions import Questions
from pipelines.export import as_json, html, markdown
from pipelines.export.contents import contents_of
from pipelines.export.read import chosen_rows, facts_of

FORMS: Final = {"md": markdown.document_of, "html": html.document_of, "json": as_json.document_of}
"""The functions that make a document, by the name of its form."""


def document(questions: Questions, which: str, form: str) -> str:
    """Return one session, by its id or the beginning of it, as a document. Raises ConfigurationError for another form
    and an unknown session.
    """
    if form not in FORMS:
        raise ConfigurationError(f"there is no form {form!r}; there are {', '.join(FORMS)}")
    session_id = questions.find(which)
    questions.audit("export", session_id)
    with questions.published.reading() as connection:
        rows = chosen_rows(connection, session_id)
        contents = [contents_of(facts) for facts in facts_of(connection, rows, lambda _: questions.masker)]
    return FORMS[form](contents)
