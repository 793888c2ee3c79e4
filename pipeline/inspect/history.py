"""The last releases and rollbacks of an environment, from the record in SSM. Read only."""

from pipeline.aws import lock, release_record
from pipeline.aws.release_record import Release
from pipeline.context import Context


def describe(context: Context) -> list[Release]:
    """The releases, the latest first. One that was begun, has no end and runs no more is `lost`."""
    ssm, names = context.aws.client("ssm"), (context.project.service, context.environment.name)
    at_work = lock.holder(ssm, lock.parameter_name(*names))
    return [
        each.model_copy(update={"outcome": release_record.LOST})
        if not each.ended and each.id != at_work
        else each
        for each in release_record.history(ssm, release_record.parameter_name(*names))
    ]


def last(context: Context) -> Release | None:
    """The last release whose version may serve; None where nothing is remembered."""
    name = release_record.parameter_name(context.project.service, context.environment.name)
    return release_record.ReleaseRecord(context.aws.client("ssm"), name).last
