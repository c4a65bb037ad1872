"""Every type of the standard policy has a case in the demo, and what the clock watches is there to be watched."""

from __future__ import annotations

import json

from api.intake import rows
from governance.policy import standard_policy
from models.synthetic import company_month
from models.synthetic_watched import other_exceptions, watched_books


def test_with_the_others_every_type_of_the_standard_policy_is_planted() -> None:
    month = company_month(20261120, mail=0)
    planted = [*month.exceptions, *other_exceptions(month)]
    assert {(one.queue, one.exception_type) for one in planted} == {
        (flow.queue, flow.exception_type) for flow in standard_policy().workflows
    }
    assert len({one.source_key for one in planted}) == len(planted)
    for one in other_exceptions(month):
        assert rows.case_row(one.row).values["source_key"] == one.source_key


def test_the_month_stays_as_it_was_and_two_of_each_are_late() -> None:
    month = company_month(5, exceptions=25, mail=0)
    before = json.dumps([one.row for one in month.exceptions], sort_keys=True)
    books = watched_books(month)
    for kind, done in (("close_tasks", "done_on"), ("expected_documents", "received_on")):
        late = [row for row in books[kind] if row[done] is None and row["due_date"] < str(month.today)]
        assert len(late) == 2
    assert books == watched_books(company_month(5, exceptions=25, mail=0))
    assert json.dumps([one.row for one in month.exceptions], sort_keys=True) == before
