import pytest

from local_aws.rds.refusals import refuse_master, refuse_security_groups

GROUPS = {"sg-1": {"VpcId": "vpc-1"}, "sg-2": {"VpcId": "vpc-2"}}


def master(user="app", password="correct-horse"):  # noqa: S107
    return {"MasterUsername": user, "MasterUserPassword": password}


def test_a_good_master_user_is_taken():
    refuse_master(master())


@pytest.mark.parametrize(
    "password", ["short", "x" * 42, "has space inside", "has/slash", "has@sign", 'has"quote']
)
def test_a_password_that_rds_would_not_take_is_refused(password):
    with pytest.raises(ValueError, match="is not a valid password"):
        refuse_master(master(password=password))


@pytest.mark.parametrize("user", ["root", "rdsadmin"])
def test_a_reserved_user_name_is_refused(user):
    with pytest.raises(ValueError, match="reserved word"):
        refuse_master(master(user))


@pytest.mark.parametrize("user", ["", "1st", "a-b", "x" * 17])
def test_a_malformed_user_name_is_refused(user):
    with pytest.raises(ValueError, match="MasterUsername"):
        refuse_master(master(user))


def test_an_unknown_security_group_is_refused_in_rds_words():
    with pytest.raises(ValueError, match="Invalid security group , groupId= sg-9, groupName="):
        refuse_security_groups(["sg-1", "sg-9"], GROUPS, "vpc-1")


def test_a_security_group_of_another_vpc_is_refused():
    with pytest.raises(ValueError, match="in different VPCs"):
        refuse_security_groups(["sg-2"], GROUPS, "vpc-1")


def test_security_groups_of_the_same_vpc_are_taken():
    refuse_security_groups(["sg-1"], GROUPS, "vpc-1")
