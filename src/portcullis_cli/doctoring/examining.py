"""The table of checks, and how they are made: what fails is told, never guessed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from botocore.exceptions import NoCredentialsError
from httpx2 import HTTPError

from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis.errors import GrantStoreError
from portcullis_cli.doctoring import account_checks, door_checks
from portcullis_cli.doctoring.model import Check, Finding, NotGivenError, Patient, unknown
from portcullis_cli.errors import CommandError
from portcullis_cli.verifying.model import UndecidedError

CHECKS: Final[Sequence[Check]] = (
    Check(id="address", question="Does a gateway answer there?", look=door_checks.address),
    Check(id="transport", question="Is the way there safe?", look=door_checks.transport),
    Check(id="clock", question="Does this machine know the time?", look=door_checks.clock),
    Check(id="token", question="Does the token open the server?", look=door_checks.token),
    Check(id="tools", question="Does an agent see tools?", look=door_checks.tools),
    Check(id="grant", question="Whose is the token, for how long?", look=account_checks.grant),
    Check(
        id="policies", question="Is each server's policy in force?", look=account_checks.policies
    ),
    Check(id="forwarding", question="Does it forward at all?", look=account_checks.forwarding),
    Check(id="account", question="Are the credentials the gateway's?", look=account_checks.account),
    Check(id="stack", question="Is the stack at rest, and this one?", look=account_checks.stack),
    Check(
        id="parameters",
        question="Is a parameter dangerous?",
        look=account_checks.parameters,
    ),
    Check(id="operators", question="Is anybody told of alarms?", look=account_checks.operators),
)


def examine(
    patient: Patient, *, progress: Callable[[str], None]
) -> Iterator[tuple[Check, Finding | str]]:
    """Make every check; answers its finding, or the option that it needs and that was not given."""
    for check in CHECKS:
        progress(f"looking at {check.id}")
        yield check, _finding(check, patient)


def _finding(check: Check, patient: Patient) -> Finding | str:
    try:
        return check.look(patient)
    except NotGivenError as error:
        return str(error)
    except NoCredentialsError:
        is_named = patient.stack or patient.table or patient.bucket
        return unknown("there are no AWS credentials") if is_named else "AWS credentials"
    except AwsError as error:
        return unknown(f"AWS does not answer: {error_code(error)}")
    except HTTPError as error:
        return unknown(f"no answer: {type(error).__name__}")
    except (CommandError, GrantStoreError, UndecidedError) as error:
        return unknown(str(error))
    except (LookupError, TypeError, ValueError, AttributeError):
        return unknown("the answer is not as it should be")
