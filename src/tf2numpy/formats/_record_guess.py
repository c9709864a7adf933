"""What the first records say of the columns, until a later one says otherwise. Where records lie may not enter."""

from __future__ import annotations

from ..wire.examples import Columns
from ._example_facts import Survey


class Guess:
    """The layouts that follow from some records, compared with what the others add.

    What is ragged, missing or unset in some records is so in all of them together: layouts that all records agree with
    are those that a survey of all would have found.

    layouts: of the records that it began with. left_out: features without values, by name, in all records so far.
    """

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self.layouts, self.left_out = survey.layouts()

    def agrees(self, columns: Columns) -> bool:
        """Take in more records, perhaps for a second time, and tell whether the layouts are theirs too."""
        self._survey.add(columns)
        found, self.left_out = self._survey.layouts()
        return found == self.layouts
