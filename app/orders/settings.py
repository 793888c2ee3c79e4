"""The service's settings: from the environment only, checked all at once, refused in one line."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, Field(min_length=1)]


def _fit_for_a_header(text: str) -> str:
    if not re.fullmatch("[!-~]*", text):
        raise ValueError("must be visible ASCII, since it is sent as a header")
    return text


class SettingsError(Exception):
    """The environment does not hold valid settings; the message is one line and never shows a value."""


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True)

    database_host: Text
    database_port: Port = 3306
    database_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]
    database_user: Text
    database_password: SecretStr
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10

    service_version: Annotated[Text, AfterValidator(_fit_for_a_header)] = "unknown"
    service_commit: Text = "unknown"
    image_uri: str = ""
    environment_name: Text = "local"

    api_port: Port = 8080
    actuator_port: Port = 8081
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    shutdown_grace_seconds: Annotated[int, Field(ge=1, le=120)] = 25
    migrate_wait_seconds: Annotated[int, Field(ge=1, le=3600)] = 120

    @field_validator("*", mode="before")
    @classmethod
    def _without_space_around(cls, value: Any, field: ValidationInfo) -> Any:
        return value.strip() if isinstance(value, str) and field.field_name != "database_password" else value

    @field_validator("image_uri")
    @classmethod
    def _digest_is_fit_for_a_header(cls, uri: str) -> str:
        _fit_for_a_header(uri.partition("@")[2])
        return uri

    @field_validator("database_password")
    @classmethod
    def _password_is_set(cls, password: SecretStr) -> SecretStr:
        if not password.get_secret_value():
            raise ValueError("must not be empty")
        return password

    @property
    def image_digest(self) -> str | None:
        """The digest in IMAGE_URI (`repository@sha256:...`), if it has one."""
        _, _, digest = self.image_uri.partition("@")
        return digest or None


def read_settings() -> Settings:
    """Read the environment. Raises SettingsError naming every variable that is missing or wrong."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise SettingsError("; ".join(_describe(str(fault["loc"][0]), fault) for fault in faults)) from None


def _describe(field: str, fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return f"{field.upper()} is missing"
    return f"{field.upper()} is wrong: {fault['msg'].removeprefix('Value error, ')}"
