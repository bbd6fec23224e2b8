"""What can go wrong with the local stack itself."""


class LocalStackError(Exception):
    """The local stack cannot start or go on; the message is for the person who started it."""


class TemplateError(LocalStackError):
    """The template uses something the local stack does not know."""


class ThrottledError(LocalStackError):
    """Every environment the function may have is busy (Lambda's 429)."""


class InitError(LocalStackError):
    """An environment did not become ready; `payload` is the error as Lambda tells it."""

    def __init__(self, message: str, payload: bytes) -> None:
        super().__init__(message)
        self.payload = payload
