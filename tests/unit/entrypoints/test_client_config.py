"""How clients of the stores wait."""

from typing import Any

from portcullis.entrypoints.client_config import store_config


def test_a_store_is_asked_once_and_for_as_long_as_the_deployment_says() -> None:
    config: Any = store_config(7)
    assert (config.connect_timeout, config.read_timeout) == (1, 7)
    assert config.retries == {"total_max_attempts": 1}


def test_a_client_may_be_given_a_second_try() -> None:
    config: Any = store_config(2, attempts=2)
    assert config.retries == {"total_max_attempts": 2}
