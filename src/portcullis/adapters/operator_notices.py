"""Operators are told by SNS and EventBridge.

A channel that does not answer is logged and left: what it would have told of has happened, and
stands in the status object. boto3 has tried again by then.
"""

from collections.abc import Callable

from portcullis.activation import notices
from portcullis.activation.notices import Notices
from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.strictjson import dump
from portcullis.values import JsonObject


class OperatorNotices(Notices):
    """One message to the operators' topic and one event on the default bus."""

    def __init__(
        self, sns: Client, events: Client, *, topic: str, warn: Callable[[str], None]
    ) -> None:
        self._sns = sns
        self._events = events
        self._topic = topic
        self._warn = warn

    def tell(self, status: JsonObject) -> None:
        """See `Notices.tell`."""
        for name, send in (("the topic", self._publish), ("the event bus", self._put_event)):
            try:
                send(status)
            except AwsError as error:
                self._warn(f"{name} did not take a notice of a policy: {error_code(error)}")

    def _publish(self, status: JsonObject) -> None:
        self._sns.publish(
            TopicArn=self._topic, Subject=notices.subject(status), Message=notices.text(status)
        )

    def _put_event(self, status: JsonObject) -> None:
        """An event that the bus refuses is told in its answer, not by an error (PutEvents)."""
        answer = self._events.put_events(
            Entries=[
                {
                    "Source": notices.SOURCE,
                    "DetailType": notices.detail_type(status),
                    "Detail": dump(notices.detail(status)).decode(),
                }
            ]
        )
        if answer.get("FailedEntryCount"):
            code = answer["Entries"][0].get("ErrorCode", "Unknown")
            self._warn(f"the event bus did not take a notice of a policy: {code}")
