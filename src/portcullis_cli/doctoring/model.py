"""What a check is, and the four things that can come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

import httpx2

from portcullis.adapters.aws_calls import Client
from portcullis_cli.surroundings import Surroundings


class Verdict(Enum):
    """What is known of one thing."""

    GOOD = "good"
    WRONG = "wrong"
    CAUTION = "look at"  # it works, and somebody should have wanted it so
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found; `fix` says what to do, where something is to be done."""

    verdict: Verdict
    detail: str
    fix: str = ""


class NotGivenError(Exception):
    """The check needs what nobody gave; the text is the option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What CloudFormation says of the deployment."""

    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Patient:
    """The set-up: what was given, and how to reach it."""

    around: Surroundings
    http: httpx2.Client = field(repr=False)
    url: str
    server: str
    token: str = field(default="", repr=False)
    table: str = ""
    bucket: str = ""
    stack: str = ""

    def client(self, service: str) -> Client:
        """A client of an AWS service; those that tests can fail are the surroundings' own."""
        own: Mapping[str, Callable[[], Client]] = {
            "dynamodb": self.around.dynamodb,
            "s3": self.around.s3,
        }
        make = own.get(service)
        return self.around.aws(service) if make is None else make()


Look: TypeAlias = Callable[[Patient], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at."""

    id: str
    question: str
    look: Look


def good(detail: str) -> Finding:
    """It is as it should be."""
    return Finding(verdict=Verdict.GOOD, detail=detail)


def wrong(detail: str, fix: str) -> Finding:
    """It does not work, or opens something."""
    return Finding(verdict=Verdict.WRONG, detail=detail, fix=fix)


def caution(detail: str, fix: str) -> Finding:
    """It works; whether it is wanted, somebody has to say."""
    return Finding(verdict=Verdict.CAUTION, detail=detail, fix=fix)


def unknown(detail: str) -> Finding:
    """It cannot be told."""
    return Finding(verdict=Verdict.UNKNOWN, detail=detail)
