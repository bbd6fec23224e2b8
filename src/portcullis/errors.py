"""Every exception of the project, drawn as one tree. No behaviour lives here.

PortcullisError
├── StrictJsonError            bytes that are not exactly one strict JSON value
├── PolicyError                a policy document with faults (carries all of them)
├── SettingsError              an environment that cannot be run on
├── UnavailableError           a dependency did not answer; the caller must deny
│   ├── PolicyUnavailableError     no policy in force for a server
│   ├── CounterStoreError          counters could not be checked and taken
│   ├── SessionStoreError          sessions could not be read or written
│   ├── GrantStoreError            grants could not be read or written
│   ├── SnapshotUnavailableError   the tool list of a server is not known
│   ├── RegistrationUnavailableError  where the calls of a server go is not known
│   ├── KillSwitchUnavailableError  whether a person stopped everything is not known
│   ├── CredentialError            a secret could not be read
│   ├── IssuerUnavailableError     the issuer of people's or agents' tokens did not answer
│   ├── ApprovalUnavailableError   a call that needs an approval cannot get one now
│   │   ├── ApprovalStoreError         approvals could not be read or written
│   │   ├── WorkflowError              what waits for a decision did not answer
│   │   └── VaultError                 sealed content could not be sealed or opened
│   └── RecordingError             a call cannot be recorded; the one error that denies nothing
│       └── TooLargeToRecordError      it is longer than a line of the log may be
├── SignInError                what the issuer said does not prove who signs in
├── TokenError                 a token that proves nothing; the text names no part of it
└── UpstreamError              an upstream call that gave no usable reply
    ├── UpstreamNotSentError       provably no byte reached the upstream
    └── UpstreamUncertainError     it may have executed
"""


class PortcullisError(Exception):
    """Base of all errors raised on purpose."""


class StrictJsonError(PortcullisError):
    """The bytes are not exactly one strict JSON value."""


class PolicyError(PortcullisError):
    """A policy document has faults; raised as `policy.faults.PolicyFaults`, which lists them."""


class SettingsError(PortcullisError):
    """The environment lacks a setting or holds an unusable one."""


class UnavailableError(PortcullisError):
    """A dependency did not answer; whoever catches this denies."""


class PolicyUnavailableError(UnavailableError):
    """No policy is in force for the server."""


class CounterStoreError(UnavailableError):
    """The counters could not be checked and taken."""


class SessionStoreError(UnavailableError):
    """A session could not be read or written."""


class GrantStoreError(UnavailableError):
    """A grant could not be read or written."""


class SnapshotUnavailableError(UnavailableError):
    """The tool list of the server is not known."""


class RegistrationUnavailableError(UnavailableError):
    """Whether a server is registered, or where its calls go, cannot be told."""


class KillSwitchUnavailableError(UnavailableError):
    """Whether a person has stopped all forwarding cannot be told."""


class CredentialError(UnavailableError):
    """A secret could not be read."""


class IssuerUnavailableError(UnavailableError):
    """The issuer of people's or agents' tokens did not answer."""


class ApprovalUnavailableError(UnavailableError):
    """A call that needs an approval cannot get one now."""


class ApprovalStoreError(ApprovalUnavailableError):
    """An approval could not be read or written."""


class WorkflowError(ApprovalUnavailableError):
    """The workflow that waits for a decision did not answer."""


class VaultError(ApprovalUnavailableError):
    """Content could not be sealed or opened."""


class RecordingError(UnavailableError):
    """A call could not be recorded for replay."""


class TooLargeToRecordError(RecordingError):
    """A call is longer than what is recorded."""


class SignInError(PortcullisError):
    """What the issuer said does not prove who signs in."""


class TokenError(PortcullisError):
    """A token proves nothing."""


class UpstreamError(PortcullisError):
    """An upstream call gave no usable reply."""


class UpstreamNotSentError(UpstreamError):
    """Provably no byte of the call reached the upstream."""


class UpstreamUncertainError(UpstreamError):
    """The call may have executed upstream."""
