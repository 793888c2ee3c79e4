import json

from local_aws import ssm
from local_aws.emulator import internals


def call(operation, **request):
    status, _, body = internals.get("ssm", operation)(request)
    assert status == 200
    return json.loads(body)


def test_the_hundred_latest_versions_of_a_parameter_are_kept(registry):
    ssm.register(registry)
    for number in range(1, 104):
        call("_put_parameter", Name="/a", Value=str(number), Type="String", Overwrite=True)

    first = call("_get_parameter_history", Name="/a")
    second = call("_get_parameter_history", Name="/a", NextToken=first["NextToken"])
    kept = [version["Value"] for version in first["Parameters"] + second["Parameters"]]

    assert [str(number) for number in range(4, 104)] == kept
    assert "NextToken" not in second


def test_a_write_that_is_refused_costs_no_version(registry):
    ssm.register(registry)
    call("_put_parameter", Name="/b", Value="1", Type="String")

    status, _, _ = internals.get("ssm", "_put_parameter")({"Name": "/b", "Value": "2", "Type": "String"})

    assert 400 == status
    assert 1 == len(call("_get_parameter_history", Name="/b")["Parameters"])
