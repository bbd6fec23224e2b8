"""Where each command of `portcullis` is tried end to end, against a running local stack.

A new command is added here, to the test that runs it: `file.py::function`, and the commands it
runs. `tests/unit/cli/test_commands_tried.py` fails, with its name, for a command without a row.
"""

from collections.abc import Mapping
from typing import Final

TRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "test_decisions.py::test_query_and_show_tell_what_was_allowed_denied_and_approved": (
        "decisions query",
        "decisions show",
    ),
    "test_decisions.py::test_tail_tells_a_call_while_it_runs_and_ends_with_ctrl_c": (
        "decisions tail",
    ),
    "test_kill_switch.py::test_on_stops_a_server_within_its_time_and_off_lets_it_go_on": (
        "kill-switch on",
        "kill-switch off",
        "kill-switch status",
    ),
    "test_lock.py::test_C14_a_tool_that_changes_is_denied_until_somebody_accepts_it": ("lock",),
    "test_people.py::test_a_grant_opens_its_server_until_it_is_revoked": (
        "grants create",
        "grants list",
        "grants revoke",
    ),
    "test_people.py::test_a_call_runs_once_it_is_approved_and_not_before": (
        "approvals list",
        "approvals show",
        "approvals approve",
    ),
    "test_people.py::test_a_call_that_is_denied_never_runs_and_the_agent_reads_why": (
        "approvals deny",
    ),
    "test_policy_history.py::test_an_earlier_revision_decides_again_after_a_rollback": (
        "policy rollback",
    ),
    "test_policy_history.py::test_the_history_tells_which_revision_governed_until_when": (
        "policy history",
    ),
    "test_policy_layout.py::test_a_policy_that_was_laid_out_is_the_same_revision": ("policy fmt",),
    "test_policy_layout.py::test_the_schema_that_is_written_fits_what_the_gateway_takes": (
        "policy schema",
    ),
    "test_policy_proved.py::test_arguments_and_tools_that_the_server_does_not_have_are_found": (
        "policy validate",
    ),
    "test_policy_proved.py::"
    "test_calls_are_tried_explained_and_reasoned_about_by_the_servers_own_schemas": (
        "policy test",
        "policy explain",
        "policy check",
        "policy diff",
    ),
    "test_policy_proved.py::test_what_is_signed_is_what_the_key_says_of_this_server_and_bucket": (
        "policy sign",
    ),
    "test_policy_push.py::test_another_products_policy_decides_here": ("policy convert",),
    "test_policy_push.py::test_a_policy_is_pushed_and_gone_back_to": (
        "policy push",
        "policy pull",
    ),
    "test_replay.py::"
    "test_recorded_calls_are_decided_again_and_no_argument_is_in_the_log_in_clear": (
        "policy replay",
    ),
    "test_scan.py::test_an_address_shows_what_its_policy_lets_an_agent_see": ("scan",),
    "test_servers.py::test_a_registration_that_was_rejected_is_listed_with_its_fault": (
        "servers list",
    ),
    "test_servers.py::test_a_server_is_shown_as_the_gateway_has_it": ("servers show",),
    "test_sessions.py::test_an_ended_session_is_answered_like_an_unknown_one": (
        "sessions list",
        "sessions show",
        "sessions end",
    ),
    "test_status.py::test_a_running_gateway_is_looked_at_and_a_dead_letter_is_noticed": ("status",),
    "test_verify.py::test_every_guarantee_holds_of_the_local_gateway": ("verify",),
    "test_verify.py::test_the_doctor_finds_the_local_set_up_right_but_for_what_is_local": (
        "doctor",
    ),
}
