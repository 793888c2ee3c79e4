import pytest
from orders.settings import SettingsError, read_settings

GOOD = {
    "DATABASE_HOST": "db.internal",
    "DATABASE_NAME": "orders",
    "DATABASE_USER": "orders",
    "DATABASE_PASSWORD": "a-very-secret-word",
}


@pytest.fixture(autouse=True)
def good_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_what_is_not_given_has_a_default() -> None:
    settings = read_settings()

    assert 3306 == settings.database_port
    assert (8080, 8081) == (settings.api_port, settings.actuator_port)
    assert 25 == settings.shutdown_grace_seconds


def test_all_faults_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_HOST")
    monkeypatch.setenv("DATABASE_PORT", "mysql")
    monkeypatch.setenv("SHUTDOWN_GRACE_SECONDS", "0")

    with pytest.raises(SettingsError) as caught:
        read_settings()

    line = str(caught.value)
    assert "\n" not in line
    assert "DATABASE_HOST is missing" in line
    assert "DATABASE_PORT is wrong: Input should be a valid integer" in line
    assert "SHUTDOWN_GRACE_SECONDS is wrong: Input should be greater than or equal to 1" in line


@pytest.mark.parametrize("name", GOOD)
def test_an_empty_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")

    with pytest.raises(SettingsError, match=f"^{name} is wrong: "):
        read_settings()


def test_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = repr(read_settings())
    monkeypatch.setenv("DATABASE_PORT", "0")

    with pytest.raises(SettingsError) as caught:
        read_settings()

    assert "a-very-secret-word" not in shown
    assert "a-very-secret-word" not in str(caught.value)


def test_a_wrong_value_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    # It may be a password that ended up in the wrong variable.
    monkeypatch.setenv("DATABASE_PORT", "a-very-secret-word")

    with pytest.raises(SettingsError) as caught:
        read_settings()

    assert "a-very-secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "digest"),
    [("registry/orders@sha256:00ff", "sha256:00ff"), ("registry/orders:latest", None), ("", None)],
)
def test_the_digest_is_taken_from_the_image_uri(
    monkeypatch: pytest.MonkeyPatch, uri: str, digest: str | None
) -> None:
    monkeypatch.setenv("IMAGE_URI", uri)

    assert digest == read_settings().image_digest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_VERSION", "v 1"),
        ("SERVICE_VERSION", "v1\r\nSet-Cookie: x"),
        ("SERVICE_VERSION", "vérsion"),
        ("IMAGE_URI", "registry/orders@sha256:00ff ö"),
        ("IMAGE_URI", "registry/orders@sha256:\nff"),
    ],
)
def test_what_becomes_a_header_is_visible_ascii(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        read_settings()

    assert f"{name} is wrong: must be visible ASCII, since it is sent as a header" == str(caught.value)


def test_space_around_a_setting_is_not_part_of_it_unless_it_is_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_HOST", " db.internal\n")
    monkeypatch.setenv("DATABASE_PASSWORD", " secret ")

    settings = read_settings()

    assert "db.internal" == settings.database_host
    assert " secret " == settings.database_password.get_secret_value()
