"""Every status that CloudFormation knows falls under exactly one predicate."""

import botocore.session

from pipeline.cloudformation.status import StackStatus

EVERY_STATUS = (
    botocore.session.get_session().get_service_model("cloudformation").shape_for("StackStatus").enum
)

TABLE = {
    "CREATE_IN_PROGRESS": "in_progress",
    "CREATE_FAILED": "must_be_cleared",
    "CREATE_COMPLETE": "ready",
    "ROLLBACK_IN_PROGRESS": "in_progress",
    "ROLLBACK_FAILED": "must_be_cleared",
    "ROLLBACK_COMPLETE": "must_be_cleared",
    "DELETE_IN_PROGRESS": "in_progress",
    "DELETE_FAILED": "needs_a_person",
    "DELETE_COMPLETE": "gone",
    "UPDATE_IN_PROGRESS": "in_progress",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "in_progress",
    "UPDATE_COMPLETE": "ready",
    "UPDATE_FAILED": "needs_a_person",
    "UPDATE_ROLLBACK_IN_PROGRESS": "in_progress",
    "UPDATE_ROLLBACK_FAILED": "needs_a_person",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "in_progress",
    "UPDATE_ROLLBACK_COMPLETE": "ready",
    "REVIEW_IN_PROGRESS": "must_be_cleared",
    "IMPORT_IN_PROGRESS": "in_progress",
    "IMPORT_COMPLETE": "ready",
    "IMPORT_ROLLBACK_IN_PROGRESS": "in_progress",
    "IMPORT_ROLLBACK_FAILED": "needs_a_person",
    "IMPORT_ROLLBACK_COMPLETE": "ready",
}
PREDICATES = ("in_progress", "must_be_cleared", "needs_a_person", "ready", "gone")


def test_the_table_holds_every_status_that_botocore_knows() -> None:
    assert sorted(EVERY_STATUS) == sorted(TABLE)


def test_a_status_falls_under_exactly_one_predicate() -> None:
    holds = {name: [p for p in PREDICATES if getattr(StackStatus(name), p)] for name in TABLE}

    assert {} == {name: found for name, found in holds.items() if [TABLE[name]] != found}


def test_no_rollback_is_a_success() -> None:
    succeeded = {name for name in TABLE if StackStatus(name).succeeded}

    assert {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"} == succeeded
