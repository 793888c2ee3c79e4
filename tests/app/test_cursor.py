import base64

import pytest
from orders.cursor import BadCursorError, decode_cursor, encode_cursor


@pytest.mark.parametrize("last_id", [1, 42, 2**63 - 1])
def test_a_cursor_comes_back_as_the_id_it_was_made_of(last_id: int) -> None:
    assert last_id == decode_cursor(encode_cursor(last_id))


def test_a_cursor_can_stand_in_a_url_as_it_is() -> None:
    assert all(encode_cursor(number).replace("-", "").replace("_", "").isalnum() for number in range(1, 2000))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "42",
        "é",
        "!!!!",
        "\x00",
        base64.urlsafe_b64encode(b"2:42").decode(),
        base64.urlsafe_b64encode(b"1:0").decode(),
        base64.urlsafe_b64encode(b"1:-5").decode(),
        base64.urlsafe_b64encode(b"1:42\n").decode(),
        base64.urlsafe_b64encode(b"1:42; DROP TABLE orders").decode(),
        base64.urlsafe_b64encode(b"1:99999999999999999999").decode(),
        base64.urlsafe_b64encode("1:٤٢".encode()).decode(),
    ],
)
def test_what_the_service_did_not_give_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursorError):
        decode_cursor(cursor)
